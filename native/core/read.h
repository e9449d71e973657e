// SPDX-License-Identifier: Apache-2.0
// Checks of an archive's parts. Shared by the runtime, which reads piece by piece from a
// descriptor, and by the reader in the CLI, which has the whole file in memory.
#ifndef PYCDS_READ_H
#define PYCDS_READ_H

#include <stdbool.h>

#include "format.h"
#include "reject.h"

#define PYCDS_MAX_SECTIONS 32u

/* Checks everything about a header that needs no interpreter, in the order of
 * reject.def. `start` is the first `available` bytes of a file of `file_bytes` bytes;
 * sizeof(struct pycds_header) + PYCDS_MAX_SECTIONS sections are always enough. */
enum pycds_reject pycds_header_check(const uint8_t *start, size_t available, uint64_t file_bytes);

/* The section of that kind, or false. `start` has passed pycds_header_check. */
bool pycds_section_find(const uint8_t *start, enum pycds_section_kind kind, struct pycds_section *out);

/* Whether a record is undamaged and all its parts lie inside the file and the arena. */
bool pycds_record_check(const struct pycds_record *record, const struct pycds_header *header);

/* Views into a module's fix-ups after their checksum has been found right. */
struct pycds_fixup_lists {
  const struct pycds_fixups *header;
  const uint32_t *types[PYCDS_TYPE_COUNT];
  const uint32_t *blocks, *string_slots, *symbol_slots, *frozensets;
  const char *name, *origin, *cached, *entry;
};

/* Splits fix-ups into their lists; false when the counts do not fit the size. */
bool pycds_fixups_split(const uint8_t *bytes, size_t length, struct pycds_fixup_lists *out);

/* Total of the five parts of a block, in bytes. */
static inline uint64_t pycds_block_bytes(const struct pycds_record *r) {
  return (uint64_t)r->reloc_bytes + r->fixup_bytes + r->offset_bytes + r->string_bytes + r->object_bytes;
}

/* A whole archive in memory. */
struct pycds_reader {
  const uint8_t *bytes;
  uint64_t length;
  struct pycds_header header;
};

/* Opens and checks the header. */
enum pycds_reject pycds_reader_open(struct pycds_reader *reader, const uint8_t *bytes, uint64_t length);

/* Record `number` and its fix-ups; false when one of them is damaged. */
bool pycds_reader_module(const struct pycds_reader *reader, uint32_t number, struct pycds_record *record,
                         struct pycds_fixup_lists *lists);

/* Checks every checksum, every offset and that the index finds every module. Returns NULL
 * or a static sentence, with *module the record concerned (PYCDS_NO_RECORD for none). */
const char *pycds_reader_verify(const struct pycds_reader *reader, uint32_t *module);

#endif
