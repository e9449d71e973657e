// SPDX-License-Identifier: Apache-2.0
// What starts show of a snapshot that has just been made.
//
// Which pages every start reads: freeze/ahead.c. And which it changes: a process that goes on in the snapshot has them made ready at once, since a page that is
// asked for by itself costs half as much again. They are seen in one start, which stops itself where its program begins.
// And how much longer an empty program takes with the snapshot than without: only programs whose imports take more are
// worth it.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "freeze.h"

/* The number of SIGSTOP, since the module signal would change more pages. */
static const char stops[] = "import os; os.kill(os.getpid(), 19)";
/* Before it: what any program does, so that what its first objects need is read too. */
static const char works[] =
    "import os, sys\n"
    "def call(one, *more, other=None, **named):\n"
    "    return [f'{one!r} {item} {other}' for item in more * 50] + [*map(str, range(500))], {**named, one: more}\n"
    "class Some:\n"
    "    def __init__(self, value): self.value = value\n"
    "try:\n"
    "    kept = [Some(call(1, 2.5, 'x', other=(number, b'y'), key={number: []})) for number in range(5)]\n"
    "    kept.append([sys.intern(f'pycds name {number}') for number in range(150)])\n"
    "    sys.stdout.write(sys.argv[0])\n"
    "except KeyError: pass\n";
static char passes[] = "pass";
/* Of both ways, in turns. The shortest counts: whatever else the machine does makes them longer. */
#define MEASURED_STARTS 7
#define DEADLINE_SECONDS 60
/* Entries of /proc/PID/pagemap that are read at once. */
#define WORDS 512

/* Becomes a program. Never returns. */
static void start(char *program, const char *snapshot) {
  static char option[] = "-c";
  int count = 0;
  while (freeze.arguments[count]) count++;
  char **arguments = calloc((size_t)count + 3, sizeof *arguments);
  int null = open("/dev/null", O_RDWR);
  if (!arguments || null < 0 || setenv("PYCDS_SNAPSHOT", snapshot, 1) != 0) _exit(1);
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

static void look_at_changed(const struct snapshot_header *header, pid_t pid) {
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

static void look_at_read(const struct snapshot_header *header, pid_t pid) {
  freeze_ahead_look(freeze.path, header, pid);
}

static void look_at_both(const struct snapshot_header *header, pid_t pid) {
  look_at_read(header, pid);
  look_at_changed(header, pid);
}

/* Behind the other lists, where the file has a hole. False: there is no room. */
static bool put_list(struct snapshot_header *header, struct snapshot_list *list, const void *from, uint32_t count,
                     size_t size) {
  uint32_t at = (header->meta_bytes + 7) / 8 * 8;
  if (at > SNAPSHOT_META_BYTES || count * size > SNAPSHOT_META_BYTES - at) return false;
  memcpy((char *)header + at, from, count * size);
  *list = (struct snapshot_list){at, count};
  header->meta_bytes = at + (uint32_t)(count * size);
  return true;
}

/* Its process, without the handlers of fork, which belong to the program that is frozen. */
static pid_t begin(char *program, const char *snapshot) {
  pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child == 0) start(program, snapshot);
  return child;
}

/* One start, which stands still when its program has imported what the first main program imports, and has done `more`. */
static void see(const char *more, const struct snapshot_header *header,
                void (*look)(const struct snapshot_header *, pid_t)) {
  int status = 0;
  char *program = NULL;
  if (asprintf(&program, "%s%s%s", freeze.imports ? freeze.imports : "", more, stops) < 0) return;
  pid_t child = begin(program, freeze.path);
  free(program);
  if (child < 0 || waitpid(child, &status, WUNTRACED) != child || !WIFSTOPPED(status)) return;
  look(header, child);
  kill(child, SIGKILL);
  while (waitpid(child, &status, 0) < 0) continue;
}

/* Microseconds of processor that an empty program takes; UINT64_MAX: it could not be run. */
static uint64_t measure(const char *snapshot) {
  struct rusage usage;
  int status = 0;
  pid_t child = begin(passes, snapshot);
  if (child < 0 || wait4(child, &status, 0, &usage) != child || status != 0) return UINT64_MAX;
  return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
         (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static uint32_t measure_cost(void) {
  uint64_t with = UINT64_MAX, without = UINT64_MAX;
  for (int i = 0; i < MEASURED_STARTS; i++) {
    uint64_t one = measure(freeze.path), other = measure("off");
    if (one < with) with = one;
    if (other < without) without = other;
  }
  if (with == UINT64_MAX || without == UINT64_MAX) return UINT32_MAX;
  uint64_t cost = with > without ? with - without : 0;
  return cost < UINT32_MAX ? (uint32_t)cost : UINT32_MAX;
}

void freeze_warm(const char *path) {
  int fd = open(path, O_RDWR | O_CLOEXEC);
  void *file = fd < 0 ? MAP_FAILED : mmap(NULL, SNAPSHOT_META_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fd >= 0) close(fd);
  if (file == MAP_FAILED) return;
  struct snapshot_header *header = file;
  const struct scratch *scratch = freeze.scratch;
  freeze_ahead_begin(path, header);
  see("", header, look_at_both);
  see(works, header, look_at_read);
  freeze_ahead_end(header);
  header->magic[0] = SNAPSHOT_UNSEALED;
  put_list(header, &header->warm, scratch->warm, scratch->header.warm.count, sizeof *scratch->warm);
  put_list(header, &header->ahead, scratch->ahead, scratch->header.ahead.count, sizeof *scratch->ahead);
  if (freeze.programs) {
    /* As a start will find it. */
    freeze_seal(path);
    uint32_t cost = measure_cost();
    header->magic[0] = SNAPSHOT_UNSEALED;
    header->cost = cost;
    if (!put_list(header, &header->programs, scratch->programs, freeze.programs, sizeof *scratch->programs))
      freeze_refuse("there is too much to say about its programs");
  }
  munmap(file, SNAPSHOT_META_BYTES);
}
