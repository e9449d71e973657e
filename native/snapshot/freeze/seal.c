// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../format/hash.h"
#include "../read.h"
#include "../status.h"
#include "freeze.h"

void freeze_seal(const char *path) {
  int fd = open(path, O_RDWR | O_CLOEXEC);
  struct stat status;
  if (fd < 0 || !status_of_descriptor(fd, &status)) freeze_refuse("%s cannot be read again", path);
  size_t bytes = (size_t)status.st_size;
  uint8_t *file = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (file == MAP_FAILED) freeze_refuse("%s cannot be mapped", path);
  struct snapshot_header *header = (struct snapshot_header *)file;
  header->data_hash = pycds_hash(file + SNAPSHOT_META_BYTES, bytes - SNAPSHOT_META_BYTES);
  memcpy(header->magic, SNAPSHOT_MAGIC, SNAPSHOT_MAGIC_BYTES);
  size_t behind = offsetof(struct snapshot_header, meta_hash) + sizeof header->meta_hash;
  uint64_t parts[2] = {pycds_hash(file, offsetof(struct snapshot_header, meta_hash)),
                       pycds_hash(file + behind, header->meta_bytes - behind)};
  header->meta_hash = pycds_hash(parts, sizeof parts);
  /* Whatever the dump wrote, a start must take it. */
  struct snapshot snapshot;
  enum snapshot_reject reject = snapshot_read(file, SNAPSHOT_META_BYTES, bytes, &snapshot);
  if (reject) header->magic[0] = SNAPSHOT_UNSEALED;
  munmap(file, bytes);
  close(fd);
  if (reject) freeze_refuse("what was written is not a snapshot: %s", snapshot_reject_code(reject));
}
