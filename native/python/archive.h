// SPDX-License-Identifier: Apache-2.0
// The archive in use by this process: opened once, read module by module.
#ifndef PYCDS_RUNTIME_ARCHIVE_H
#define PYCDS_RUNTIME_ARCHIVE_H

#include <stdbool.h>
#include <sys/types.h>

#include "../core/read.h"
#define PYCDS_PYAPI
#include "pyapi.h"

struct archive {
  const char *path;
  int fd;
  dev_t device;
  ino_t inode;
  struct pycds_header header;
  uint64_t index_offset, records_offset;
  uint8_t *arena;       /* where the objects go */
  intptr_t moved;       /* arena address minus the preferred one */
  PyObject **strings;   /* interned strings by number; NULL until their block is read */
  PyObject **codes;     /* module code objects by record number; NULL until used */
  uint8_t *has_strings; /* by record number */
  uint8_t *scratch, *string_scratch;
  size_t scratch_bytes, string_scratch_bytes;
  PyObject *symbols[PYCDS_SYMBOL_LATIN1];
  PyObject *latin1[2 * PYCDS_LATIN1_INTERNED];
  PyObject *small_ints[PYCDS_SMALL_INT_BIAS + 1025];
};

/* A module found in the archive; the texts live until the next find. */
struct found {
  uint32_t number;
  struct pycds_record record;
  struct pycds_fixup_lists lists;
};

/* Opens `path` and checks it against this interpreter. The descriptor is read-only.
 * `path` must outlive the archive. */
enum pycds_reject archive_open(struct archive *a, const char *path);

/* Reads what the archive says of a module. NOT_ARCHIVED, DAMAGED or SERVED (found). */
enum pycds_miss archive_find(struct archive *a, const char *name, size_t length, struct found *out);

/* The code object of a module just found, ready to run (borrowed; it is never freed), or
 * NULL when its part of the archive is damaged. No Python exception is left set. */
PyObject *archive_code(struct archive *a, const struct found *found);

#endif
