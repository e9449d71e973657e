// SPDX-License-Identifier: Apache-2.0
// Reads the meta part of a snapshot and checks all that it says, before anything is used.
#ifndef PYCDS_SNAPSHOT_READ_H
#define PYCDS_SNAPSHOT_READ_H

#include "format.h"
#include "reject.h"

/* Pointers into the meta part. */
struct snapshot {
  const struct snapshot_header *header;
  const struct snapshot_region *regions;
  const struct snapshot_file *files;
  const struct snapshot_stamp *stamps;
  const struct snapshot_symbol *symbols;
  const uint8_t *vdso;
  const char *strings;
  const struct snapshot_range *warm;
  const struct snapshot_program *programs;
  const struct snapshot_pages *ahead;
  const uint32_t *folders;
};

/* Checks the first `bytes` bytes of a file of `file_bytes` bytes; they are SNAPSHOT_META_BYTES of it, or all of a shorter
 * one. On success whatever `snapshot` leads to lies within them, and every address, offset and length is one that can be.
 * The memory must stay as it is. */
enum snapshot_reject snapshot_read(const void *meta, uint64_t bytes, uint64_t file_bytes, struct snapshot *snapshot);

#endif
