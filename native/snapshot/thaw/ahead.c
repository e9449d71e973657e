// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "ahead.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../clock.h"
#include "../listing.h"
#include "../status.h"

/* A byte from the page cache takes one or two microseconds, one from any disk far more. */
#define COLD_MILLISECONDS 0.04
#define MAX_PATH_BYTES 4096

/* Of the first range and the last: other starts may have read the lists, and something else a part. */
static bool is_cold(const struct opened *opened) {
  const struct snapshot_pages *ranges = opened->snapshot.ahead;
  const uint32_t places[] = {ranges[0].first, ranges[opened->snapshot.header->ahead.count - 1].first};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    char byte;
    double start = clock_milliseconds();
    if (pread(opened->fd, &byte, 1, (off_t)(places[i] * SNAPSHOT_PAGE)) != 1) return false;
    if (clock_milliseconds() - start > COLD_MILLISECONDS) return true;
  }
  return false;
}

/* Returns when the reads have been queued. */
static void read_ahead(int fd, uint64_t offset, uint64_t bytes) {
  syscall(SYS_readahead, fd, (off_t)offset, (size_t)bytes);
}

/* Where the frozen process goes on lies in the library that it was made with. No other is certain to be read. */
static void read_library(const struct snapshot *snapshot) {
  uint64_t at = snapshot->header->context.rip;
  for (uint32_t i = 0; i < snapshot->header->regions.count; i++) {
    const struct snapshot_region *region = &snapshot->regions[i];
    if (region->kind != SNAPSHOT_FILE || at < region->address || at - region->address >= region->bytes) continue;
    const struct snapshot_file *file = &snapshot->files[region->file];
    int fd = open(snapshot->strings + file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) return;
    read_ahead(fd, 0, file->bytes);
    close(fd);
    return;
  }
}

/* As import statements will look at them. The pages are on their way meanwhile. */
static void look_at_folders(const struct snapshot *snapshot) {
  for (uint32_t i = 0; i < snapshot->header->folders.count; i++) {
    const char *file = snapshot->strings + snapshot->folders[i];
    size_t length = (size_t)(strrchr(file, '/') - file);
    char folder[MAX_PATH_BYTES];
    if (length >= sizeof folder) continue;
    memcpy(folder, file, length);
    folder[length] = 0;
    uint64_t digest;
    struct stat status;
    listing_digest(folder, &digest, NULL);
    status_of_path(file, &status);
  }
}

void ahead_start(const struct opened *opened) {
  const struct snapshot *snapshot = &opened->snapshot;
  const char *mode = getenv("PYCDS_READAHEAD");
  uint32_t count = snapshot->header->ahead.count;
  if (count == 0 || (mode && strcmp(mode, "off") == 0)) return;
  if (!(mode && strcmp(mode, "force") == 0) && !is_cold(opened)) return;
  for (uint32_t i = 0; i < count; i++)
    read_ahead(opened->fd, snapshot->ahead[i].first * SNAPSHOT_PAGE, snapshot->ahead[i].count * SNAPSHOT_PAGE);
  read_library(snapshot);
  look_at_folders(snapshot);
}
