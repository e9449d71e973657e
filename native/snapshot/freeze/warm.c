// SPDX-License-Identifier: Apache-2.0
// Which pages every start changes. A process that goes on in the snapshot has them made ready at once: a page that is
// asked for by itself costs half as much again. They are seen in one start, which stops itself where its program begins.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "freeze.h"

/* The number of SIGSTOP, since the module signal would change more pages. */
static char program[] = "import os; os.kill(os.getpid(), 19)";
#define DEADLINE_SECONDS 60
/* Entries of /proc/PID/pagemap that are read at once. */
#define WORDS 512

/* Becomes the program that stops. Never returns. */
static void start(void) {
  static char option[] = "-c";
  int count = 0;
  while (freeze.arguments[count]) count++;
  char **arguments = calloc((size_t)count + 3, sizeof *arguments);
  int null = open("/dev/null", O_RDWR);
  if (!arguments || null < 0 || setenv("PYCDS_SNAPSHOT", freeze.path, 1) != 0) _exit(1);
  memcpy(arguments, freeze.arguments, (size_t)count * sizeof *arguments);
  arguments[count] = option;
  arguments[count + 1] = program;
  for (int fd = 0; fd <= 2; fd++) dup2(null, fd);
  alarm(DEADLINE_SECONDS);
  execv("/proc/self/exe", arguments);
  _exit(1);
}

/* Bits of an entry: 63 present, 62 swapped out, 61 of a file. */
static bool is_changed(uint64_t entry) { return (entry >> 62 & 3) && !(entry >> 61 & 1); }

static void add(uint64_t address) {
  struct snapshot_list *list = &freeze.scratch->header.warm;
  struct snapshot_range *last = list->count ? &freeze.scratch->warm[list->count - 1] : NULL;
  if (last && last->address + last->bytes == address)
    last->bytes += SNAPSHOT_PAGE;
  else if (list->count < SNAPSHOT_MAX_WARM)
    freeze.scratch->warm[list->count++] = (struct snapshot_range){address, SNAPSHOT_PAGE};
}

static void add_changed(const struct snapshot_region *region, int pagemap) {
  uint64_t words[WORDS];
  uint64_t first = region->address / SNAPSHOT_PAGE, pages = region->bytes / SNAPSHOT_PAGE;
  for (uint64_t done = 0; done < pages; done += WORDS) {
    size_t count = pages - done < WORDS ? pages - done : WORDS;
    ssize_t got = pread(pagemap, words, count * sizeof *words, (off_t)((first + done) * sizeof *words));
    for (size_t i = 0; i < count && got == (ssize_t)(count * sizeof *words); i++) {
      if (is_changed(words[i])) add((first + done + i) * SNAPSHOT_PAGE);
    }
  }
}

static void look(const struct snapshot_header *header, pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/pagemap", pid);
  int pagemap = open(path, O_RDONLY | O_CLOEXEC);
  if (pagemap < 0) return;
  const struct snapshot_region *regions = (const void *)((const char *)header + header->regions.offset);
  for (uint32_t i = 0; i < header->regions.count; i++) {
    if (regions[i].kind == SNAPSHOT_DATA && (regions[i].protection & PROT_WRITE)) add_changed(&regions[i], pagemap);
  }
  close(pagemap);
}

/* Behind the other lists, where the file has a hole. */
static void write_down(struct snapshot_header *header) {
  const struct snapshot_list *list = &freeze.scratch->header.warm;
  size_t bytes = list->count * sizeof *freeze.scratch->warm;
  uint32_t at = (header->meta_bytes + 7) / 8 * 8;
  if (bytes == 0 || bytes > SNAPSHOT_META_BYTES - at) return;
  header->magic[0] = SNAPSHOT_UNSEALED;
  memcpy((char *)header + at, freeze.scratch->warm, bytes);
  header->warm = (struct snapshot_list){at, list->count};
  header->meta_bytes = at + (uint32_t)bytes;
}

void freeze_warm(const char *path) {
  /* Without the handlers of fork, which belong to the program that is frozen. */
  pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child == 0) start();
  int status = 0;
  if (child < 0 || waitpid(child, &status, WUNTRACED) != child || !WIFSTOPPED(status)) return;
  int fd = open(path, O_RDWR | O_CLOEXEC);
  void *file = fd < 0 ? MAP_FAILED : mmap(NULL, SNAPSHOT_META_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (file != MAP_FAILED) look(file, child);
  kill(child, SIGKILL);
  while (waitpid(child, &status, 0) < 0) continue;
  if (file != MAP_FAILED) {
    write_down(file);
    munmap(file, SNAPSHOT_META_BYTES);
  }
  if (fd >= 0) close(fd);
}
