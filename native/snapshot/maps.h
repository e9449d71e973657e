// SPDX-License-Identifier: Apache-2.0
// The lines of /proc/PID/maps, which are also the first lines of the entries of /proc/PID/smaps. Without a C library.
#ifndef PYCDS_SNAPSHOT_MAPS_H
#define PYCDS_SNAPSHOT_MAPS_H

#include <stdbool.h>
#include <stdint.h>

struct mapping {
  uint64_t start, end;
  uint64_t offset;
  int protection; /* PROT_READ 1, PROT_WRITE 2, PROT_EXEC 4 */
  bool shared;
  uint32_t major, minor; /* of the file's device */
  uint64_t inode;
  const char *name; /* "" for anonymous memory; ends with a newline */
};

/* Reads one line. Returns what follows it; NULL for a line that is none of these. */
const char *maps_line(const char *line, struct mapping *mapping);

/* Whether a mapping has this name. */
bool maps_is(const struct mapping *mapping, const char *name);

/* Reads a whole file into memory and ends it with NUL. The number of bytes; -1 when it cannot be read or does not fit. */
long maps_read(const char *path, char *into, uint64_t size);

#endif
