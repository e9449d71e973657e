// SPDX-License-Identifier: Apache-2.0
// The archiver: marshalled code in, archive out, without an interpreter.
//
// How a record of training becomes bytes:
//
//   1. The marshalled code of each module becomes a graph of values (marshal.c) in one arena for all (arena.c); what
//      cannot be decoded is left out, with the reason.
//   2. The graphs become canonical: strings are marked as CPython interns them, code gets its inline bytes, and equal
//      constants become one value, be it in several modules (canonical.c). Only when all are read it is known what
//      is shared: nothing is written before.
//   3. Module by module, in the order of import, each value is described once, inner before outer, in one of two
//      streams: the shared constants that are new, and what only this module has (stream_write.c, the operations in
//      stream.h, what the version's objects look like in layout.c).
//   4. Both streams and the module's texts become its block, with checksums, and its record (archive_write.c).
//   5. Regular expressions and source strings have become entries of their own meanwhile (cache_write.c).
//   6. Two indexes lead to the records: by the name of a module, and by the path of its source. The sections get their
//      places, records learn where the blocks are, and all are put one behind the other with their checksums; the
//      header comes last, and with it the archive is sealed (archive_write.c, format.h).
#ifndef PYCDS_ARCHIVE_WRITE_H
#define PYCDS_ARCHIVE_WRITE_H

#include "buffer.h"
#include "cache_write.h"
#include "format.h"
#include "fresh.h"

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
  const struct pycds_fresh *fresh; /* tells them where `seeds` are empty; NULL: they are those of the bytecode */
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
