// SPDX-License-Identifier: Apache-2.0
// What the archive says of one module, apart from its code.
#ifndef PYCDS_RUNTIME_FACTS_H
#define PYCDS_RUNTIME_FACTS_H

#include "archive.h"

/* UTF-8 with surrogateescape, not terminated. */
struct text {
  const char *bytes;
  size_t length;
};

/* The texts live as long as those of the `struct found`. */
struct facts {
  uint32_t number; /* of its record: the same for the same name */
  bool is_package;
  struct text name, origin, cached, entry;
  int64_t source_mtime;
  uint64_t source_size, source_hash;
};

static inline struct facts facts_of(const struct found *found) {
  const struct pycds_unit_view *unit = &found->unit;
  return (struct facts){
      .number = found->number,
      .is_package = (unit->header->flags & PYCDS_MODULE_PACKAGE) != 0,
      .name = {unit->name, unit->header->name_bytes},
      .origin = {unit->origin, unit->header->origin_bytes},
      .cached = {unit->cached, unit->header->cached_bytes},
      .entry = {unit->entry, unit->header->entry_bytes},
      .source_mtime = unit->header->source_mtime,
      .source_size = unit->header->source_size,
      .source_hash = unit->header->source_hash,
  };
}

/* What follows the last dot of a module's name. */
static inline struct text text_after_dot(struct text name) {
  size_t start = name.length;
  while (start > 0 && name.bytes[start - 1] != '.') start--;
  return (struct text){name.bytes + start, name.length - start};
}

#endif
