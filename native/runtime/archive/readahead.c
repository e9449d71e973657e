// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "readahead.h"

#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../../format/hash.h"
#include "regular.h"

/* A byte from the page cache takes one or two microseconds, one from any disk far more. */
#define COLD_NANOSECONDS 40000
#define MAX_LIST_BYTES ((uint64_t)1024 * 1024)
/* Of a very large library only a small part is used at a start. */
#define MAX_FILE_BYTES ((size_t)32 * 1024 * 1024)
/* Modules of an application itself, and the few that could not be made ready, are read faster than all the rest. */
#define FEW_MODULES 16

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Taking the time works on every file system and for every user, which asking the kernel
 * (mincore, RWF_NOWAIT) does not. */
static bool is_cold(const struct archive *a) {
  const uint64_t places[] = {a->header.file_bytes / 2, a->header.file_bytes - 1};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    char byte;
    int64_t start = now();
    if (!archive_read(a, places[i], &byte, 1) || now() - start > COLD_NANOSECONDS) return true;
  }
  return false;
}

/* The call returns when the reads have been queued. */
static void read_ahead(int fd, uint64_t bytes) { syscall(SYS_readahead, fd, (off_t)0, (size_t)bytes); }

/* What lies at the path by now may be a device, and opening one may do something. */
static void read_file(const char *path) {
  struct stat status;
  if (syscall(SYS_newfstatat, AT_FDCWD, path, &status, 0) != 0 || !S_ISREG(status.st_mode)) return;
  int fd = open_regular(path, &status);
  if (fd < 0) return;
  read_ahead(fd, MAX_FILE_BYTES);
  close(fd);
}

static int has_path(struct dl_phdr_info *info, size_t size, void *path) {
  (void)size;
  return info->dlpi_name && strcmp(info->dlpi_name, path) == 0;
}

static void read_listed(const struct archive *a, bool also_loaded) {
  struct pycds_section section;
  if (!archive_section(a, PYCDS_SECTION_FILES, &section) || section.bytes == 0 || section.bytes > MAX_LIST_BYTES)
    return;
  size_t bytes = (size_t)section.bytes;
  char *list = calloc(1, bytes + 1);
  if (list && archive_read(a, section.offset, list, bytes) && pycds_hash(list, bytes) == section.hash) {
    for (char *path = list; path < list + bytes; path += strlen(path) + 1) {
      if (also_loaded || !dl_iterate_phdr(has_path, path)) read_file(path);
    }
  }
  free(list);
}

static void start(const struct archive *a, bool also_loaded) {
  const char *mode = getenv("PYCDS_READAHEAD");
  if (!mode) mode = "auto";
  if (strcmp(mode, "off") == 0 || (strcmp(mode, "force") != 0 && !is_cold(a))) return;
  read_ahead(a->fd, a->header.file_bytes);
  read_listed(a, also_loaded);
}

void readahead_start(const struct archive *a) {
  archive_use_huge_pages(a);
  start(a, true);
}

void readahead_later(struct archive *a) { a->later = FEW_MODULES; }

void readahead_served(struct archive *a) {
  if (a->later == 0 || --a->later > 0) return;
  archive_use_huge_pages(a);
  start(a, false);
}
