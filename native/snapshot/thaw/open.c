// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "open.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../status.h"

void snapshot_close(struct opened *opened) {
  if (opened->fd >= 0) close(opened->fd);
  if (opened->meta != MAP_FAILED) munmap(opened->meta, SNAPSHOT_META_BYTES);
}

enum snapshot_reject snapshot_open(const char *path, struct opened *opened) {
  opened->meta = MAP_FAILED;
  opened->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  struct stat status;
  if (opened->fd < 0 || !status_of_descriptor(opened->fd, &status) || !S_ISREG(status.st_mode))
    return SNAPSHOT_REJECT_MISSING;
  if (status.st_mode & (S_IWGRP | S_IWOTH)) return SNAPSHOT_REJECT_WRITABLE;
  /* A copy: the file may change after it was checked. */
  opened->meta = mmap(NULL, SNAPSHOT_META_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (opened->meta == MAP_FAILED) return SNAPSHOT_REJECT_MEMORY;
  /* What follows the lists is a hole, so the first pages say how much there is to read. */
  size_t bytes = SNAPSHOT_PAGE;
  ssize_t got = pread(opened->fd, opened->meta, bytes, 0);
  const struct snapshot_header *header = opened->meta;
  if (got == (ssize_t)bytes && header->meta_bytes > bytes && header->meta_bytes <= SNAPSHOT_META_BYTES) {
    bytes = header->meta_bytes;
    got = pread(opened->fd, opened->meta, bytes, 0);
  }
  if (got < 0) return SNAPSHOT_REJECT_MISSING;
  return snapshot_read(opened->meta, (uint64_t)got, (uint64_t)status.st_size, &opened->snapshot);
}
