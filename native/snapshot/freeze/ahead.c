// SPDX-License-Identifier: Apache-2.0
// Which pages of a snapshot a start reads. They are seen with the file out of the page cache and nothing read beside what
// is asked for: then they are those that are in the page cache, or in its memory, when it is over. Where they cannot be had out of it, as in a
// file system in memory, there is nothing to read from a disk either, and no list. And which directories its imports look at.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../status.h"
#include "freeze.h"

/* Pages between two ranges that are read with them, where there are not too many ranges: a request of its own takes as long. */
#define GAP 2

static uint64_t first_page(void) { return SNAPSHOT_META_BYTES / SNAPSHOT_PAGE; }

/* A byte for each page, of which bit 0 says that it is in the page cache; to be freed. */
static uint8_t *residents(const char *path, uint64_t *pages) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (fd < 0) return NULL;
  uint64_t bytes = status_of_descriptor(fd, &status) ? (uint64_t)status.st_size : 0;
  void *file = bytes ? mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
  close(fd);
  if (file == MAP_FAILED) return NULL;
  *pages = bytes / SNAPSHOT_PAGE;
  uint8_t *found = malloc(*pages + 1);
  if (found && mincore(file, bytes, found) != 0) {
    free(found);
    found = NULL;
  }
  munmap(file, bytes);
  return found;
}

static void set_advice(struct snapshot_header *header, bool one_by_one) {
  struct snapshot_region *regions = (void *)((char *)header + header->regions.offset);
  for (uint32_t i = 0; i < header->regions.count; i++) {
    if (regions[i].kind != SNAPSHOT_DATA) continue;
    regions[i].advice &= ~(uint32_t)SNAPSHOT_ONE_BY_ONE;
    if (one_by_one) regions[i].advice |= SNAPSHOT_ONE_BY_ONE;
  }
}

/* How much of a path is that of its directory. */
static size_t folder_length(const char *file) {
  const char *end = strrchr(file, '/');
  return end ? (size_t)(end - file) : 0;
}

void freeze_folder(const char *file) {
  struct scratch *scratch = freeze.scratch;
  uint32_t count = scratch->header.folders.count;
  size_t length = folder_length(file);
  if (*file != '/' || count == SNAPSHOT_MAX_FOLDERS) return;
  for (uint32_t i = 0; i < count; i++) {
    const char *known = scratch->strings + scratch->folders[i];
    if (folder_length(known) == length && memcmp(known, file, length) == 0) return;
  }
  uint32_t text = scratch_string(scratch, file, strlen(file));
  if (!text) return;
  scratch->folders[count] = text;
  scratch->header.folders.count = count + 1;
}

static bool evicted;

void freeze_ahead_begin(const char *path, struct snapshot_header *header) {
  set_advice(header, true);
  freeze_seal(path);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  close(fd);
  uint64_t pages = 0, left = 0;
  uint8_t *found = residents(path, &pages);
  for (uint64_t i = first_page(); found && i < pages; i++) left += found[i] & 1;
  evicted = found && left < pages / 8;
  free(found);
}

/* How many ranges there are, with such gaps; they are put into the scratch as far as there is room. */
static uint32_t put_ranges(const uint8_t *found, uint64_t pages, uint64_t gap) {
  struct snapshot_pages *ranges = freeze.scratch->ahead;
  uint32_t count = 0;
  uint64_t end = 0;
  for (uint64_t i = first_page(); i < pages; i++) {
    if (!(found[i] & 1)) continue;
    if (count == 0 || i - end > gap) {
      if (count < SNAPSHOT_MAX_AHEAD) ranges[count] = (struct snapshot_pages){.first = (uint32_t)i};
      count++;
    }
    end = i + 1;
    if (count <= SNAPSHOT_MAX_AHEAD) ranges[count - 1].count = (uint32_t)(end - ranges[count - 1].first);
  }
  return count;
}

/* What a process has of the file in its memory, changed or not: something else may have had the page cache emptied. */
static void add_mapped(uint8_t *found, uint64_t pages, const struct snapshot_header *header, pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/pagemap", pid);
  int pagemap = open(path, O_RDONLY | O_CLOEXEC);
  const struct snapshot_region *regions = (const void *)((const char *)header + header->regions.offset);
  for (uint32_t i = 0; pagemap >= 0 && i < header->regions.count; i++) {
    const struct snapshot_region *region = &regions[i];
    if (region->kind != SNAPSHOT_DATA) continue;
    uint64_t count = region->bytes / SNAPSHOT_PAGE, first = region->offset / SNAPSHOT_PAGE;
    uint64_t *words = calloc(count, sizeof *words);
    off_t place = (off_t)(region->address / SNAPSHOT_PAGE * sizeof *words);
    ssize_t got = words ? pread(pagemap, words, count * sizeof *words, place) : -1;
    for (uint64_t j = 0; got > 0 && j < (uint64_t)got / sizeof *words && first + j < pages; j++)
      found[first + j] |= (uint8_t)(words[j] >> 62 != 0);
    free(words);
  }
  if (pagemap >= 0) close(pagemap);
}

void freeze_ahead_look(const char *path, const struct snapshot_header *header, pid_t pid) {
  static uint8_t *before;
  uint64_t pages = 0;
  uint8_t *found = evicted ? residents(path, &pages) : NULL;
  if (!found) return;
  add_mapped(found, pages, header, pid);
  for (uint64_t i = 0; before && i < pages; i++) found[i] |= before[i];
  free(before);
  before = found;
  uint64_t gap = GAP;
  uint32_t count = put_ranges(found, pages, gap);
  while (count > SNAPSHOT_MAX_AHEAD) count = put_ranges(found, pages, gap *= 2);
  freeze.scratch->header.ahead.count = count;
}

void freeze_ahead_end(struct snapshot_header *header) { set_advice(header, false); }
