// SPDX-License-Identifier: Apache-2.0
// Checks of an archive's parts. Shared by the runtime, which reads piece by piece from a
// descriptor, and by the reader in the CLI, which has the whole file in memory.
#ifndef PYCDS_ARCHIVE_READ_H
#define PYCDS_ARCHIVE_READ_H

#include <stdbool.h>

#include "cache.h"
#include "format.h"
#include "reject.h"
#include "stream.h"

#define PYCDS_MAX_SECTIONS 32u

/* Checks everything about a header that needs no interpreter, in the order of
 * reject.def. `start` is the first `available` bytes of a file of `file_bytes` bytes;
 * sizeof(struct pycds_header) + PYCDS_MAX_SECTIONS sections are always enough. */
enum pycds_reject pycds_header_check(const uint8_t *start, size_t available, uint64_t file_bytes);

/* The section of that kind, or false. `start` has passed pycds_header_check. */
bool pycds_section_find(const uint8_t *start, enum pycds_section_kind kind, struct pycds_section *out);

/* Whether a layout, whose checksum has been found right, stays inside the objects it describes. */
bool pycds_layout_check(const struct pycds_object_layout *layout);

/* Whether a record is undamaged and its block lies inside the file. */
bool pycds_record_check(const struct pycds_record *record, const struct pycds_header *header);

/* Views into a unit part after its checksum has been found right. */
struct pycds_unit_view {
  const struct pycds_unit *header;
  const char *name, *origin, *cached, *entry;
  struct pycds_cursor stream;
};

/* Splits a unit part; false when the lengths of its texts do not fit its size. */
bool pycds_unit_split(const uint8_t *bytes, size_t length, struct pycds_unit_view *out);

/* A way through a stream that makes nothing. */
struct pycds_stream_walk {
  struct pycds_cursor cursor;
  const struct pycds_object_layout *layout;
  uint32_t hexversion;
  uint32_t shared_limit; /* shared constants that exist at this point */
  uint32_t index;        /* of the operation */
};

/* Goes on behind the operation that the cursor is at, whose kind is *op then; false where it is none, or refers to what is not there. */
bool pycds_stream_skip(struct pycds_stream_walk *walk, uint8_t *op);

/* A whole archive in memory. */
struct pycds_reader {
  const uint8_t *bytes;
  uint64_t length;
  struct pycds_header header;
};

/* Opens and checks the header. */
enum pycds_reject pycds_reader_open(struct pycds_reader *reader, const uint8_t *bytes, uint64_t length);

/* Record `number` and its unit part; false when one of them is damaged. */
bool pycds_reader_unit(const struct pycds_reader *reader, uint32_t number, struct pycds_record *record,
                       struct pycds_unit_view *unit);

/* Checks every checksum, every operation and reference of every stream, and that the index
 * finds every unit. Returns NULL or a static sentence, with *unit the record concerned
 * (PYCDS_NO_RECORD for none). */
const char *pycds_reader_verify(const struct pycds_reader *reader, uint32_t *unit);

/* Checks and counts the cached results, as pycds_cache_verify. */
const char *pycds_reader_caches(const struct pycds_reader *reader, struct pycds_cache_counts *counts);

#endif
