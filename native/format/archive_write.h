// SPDX-License-Identifier: Apache-2.0
// The archiver: marshalled code in, archive out, without an interpreter.
#ifndef PYCDS_ARCHIVE_WRITE_H
#define PYCDS_ARCHIVE_WRITE_H

#include "buffer.h"
#include "cache_write.h"
#include "format.h"

struct pycds_text {
  const char *bytes; /* UTF-8, not terminated */
  size_t length;
};

/* One module as the training run recorded it. Nothing is copied or kept. */
struct pycds_module {
  struct pycds_text name, origin, cached, entry; /* as in struct pycds_unit */
  uint32_t flags;                                /* enum pycds_module_flag */
  int64_t source_mtime;
  uint64_t source_size, source_hash;
  const uint8_t *marshal; /* marshal.dumps of its code object */
  size_t marshal_bytes;
  const uint8_t *seeds; /* inline bytes of each fresh code object, in order of nesting; may be empty */
  size_t seeds_bytes;
  /* Set by the archiver: */
  const char *left_out;  /* why the module is not in the archive, or NULL */
  uint32_t code_objects; /* when it is in */
  uint32_t stored_bytes; /* its share of the file */
};

struct pycds_target {
  uint32_t hexversion;
  uint16_t machine;
  uint8_t validate, optimize;
  uint8_t identity_kind, identity_bytes;
  uint8_t identity[PYCDS_IDENTITY_BYTES];
  uint8_t python_magic[4];
  struct pycds_text files; /* the FILES section */
};

/* Writes a sealed archive of `modules`, which are in import order, and of `caches` to `out`
 * (initially empty). `info` is the JSON of the INFO section. Returns NULL, or a static sentence
 * when there can be no archive at all. */
const char *pycds_archive_write(const struct pycds_target *target, struct pycds_module *modules, size_t count,
                                const struct pycds_caches *caches, struct pycds_text info, struct pycds_buffer *out);

#endif
