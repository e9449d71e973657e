// SPDX-License-Identifier: Apache-2.0
#include "read.h"

#include <string.h>

#include "hash.h"

static bool in_range(uint64_t offset, uint64_t length, uint64_t whole) {
  return offset <= whole && length <= whole - offset;
}

static bool sections_fit(const uint8_t *start, const struct pycds_header *h) {
  for (uint32_t i = 0; i < h->section_count; i++) {
    struct pycds_section section;
    memcpy(&section, start + sizeof *h + i * sizeof section, sizeof section);
    if (!in_range(section.offset, section.bytes, h->file_bytes)) return false;
  }
  return true;
}

static uint64_t hash_header(const uint8_t *start, const struct pycds_header *h) {
  uint8_t copy[sizeof *h + PYCDS_MAX_SECTIONS * sizeof(struct pycds_section)];
  memcpy(copy, start, h->header_bytes);
  memset(copy + offsetof(struct pycds_header, header_hash), 0, sizeof h->header_hash);
  return pycds_hash(copy, h->header_bytes);
}

enum pycds_reject pycds_header_check(const uint8_t *start, size_t available, uint64_t file_bytes) {
  struct pycds_header h;
  static const uint8_t magic[] = PYCDS_MAGIC;
  if (available < PYCDS_MAGIC_BYTES || memcmp(start + 1, magic + 1, PYCDS_MAGIC_BYTES - 1) != 0) {
    return PYCDS_REJECT_NOT_AN_ARCHIVE;
  }
  if (start[0] == PYCDS_UNSEALED) return PYCDS_REJECT_UNSEALED;
  if (start[0] != magic[0]) return PYCDS_REJECT_NOT_AN_ARCHIVE;
  if (available < sizeof h) return PYCDS_REJECT_TRUNCATED;
  memcpy(&h, start, sizeof h);
  if (h.format != PYCDS_FORMAT) return PYCDS_REJECT_FORMAT;
  if (h.file_bytes != file_bytes) return PYCDS_REJECT_TRUNCATED;
  if (h.section_count > PYCDS_MAX_SECTIONS ||
      h.header_bytes != sizeof h + h.section_count * sizeof(struct pycds_section)) {
    return PYCDS_REJECT_HEADER_DAMAGED;
  }
  if (h.header_bytes > available) return PYCDS_REJECT_TRUNCATED;
  struct pycds_section index, records;
  bool sound = hash_header(start, &h) == h.header_hash && sections_fit(start, &h) &&
               h.identity_bytes <= PYCDS_IDENTITY_BYTES && h.index_slots > 0 &&
               (h.index_slots & (h.index_slots - 1)) == 0 && pycds_section_find(start, PYCDS_SECTION_INDEX, &index) &&
               index.bytes == (uint64_t)h.index_slots * sizeof(struct pycds_slot) &&
               pycds_section_find(start, PYCDS_SECTION_RECORDS, &records) &&
               records.bytes == (uint64_t)h.module_count * sizeof(struct pycds_record);
  return sound ? PYCDS_ACCEPTED : PYCDS_REJECT_HEADER_DAMAGED;
}

bool pycds_section_find(const uint8_t *start, enum pycds_section_kind kind, struct pycds_section *out) {
  struct pycds_header h;
  memcpy(&h, start, sizeof h);
  for (uint32_t i = 0; i < h.section_count; i++) {
    memcpy(out, start + sizeof h + i * sizeof *out, sizeof *out);
    if (out->kind == (uint32_t)kind) return true;
  }
  return false;
}

bool pycds_record_check(const struct pycds_record *r, const struct pycds_header *h) {
  return pycds_hash(&r->name_hash, sizeof *r - sizeof r->record_hash) == r->record_hash &&
         in_range(r->block, pycds_block_bytes(r), h->file_bytes) &&
         in_range(r->arena, (uint64_t)r->string_bytes + r->object_bytes, h->arena_bytes) &&
         in_range(r->string_first, r->string_count, h->string_count) && r->offset_bytes / 4 == r->string_count &&
         r->arena % PYCDS_ALIGN == 0 && r->string_bytes % PYCDS_ALIGN == 0;
}

bool pycds_fixups_split(const uint8_t *bytes, size_t length, struct pycds_fixup_lists *out) {
  const struct pycds_fixups *h = (const void *)bytes;
  if (length < sizeof *h) return false;
  uint64_t words = (uint64_t)h->block_count + 2ull * h->string_slots + 2ull * h->symbol_slots + h->frozenset_words;
  for (int type = 0; type < PYCDS_TYPE_COUNT; type++) words += h->type_counts[type];
  uint64_t texts = (uint64_t)h->name_bytes + h->origin_bytes + h->cached_bytes + h->entry_bytes;
  if (sizeof *h + 4 * words + texts > length) return false;

  out->header = h;
  const uint32_t *list = (const void *)(bytes + sizeof *h);
  for (int type = 0; type < PYCDS_TYPE_COUNT; type++) {
    out->types[type] = list;
    list += h->type_counts[type];
  }
  out->blocks = list;
  out->string_slots = out->blocks + h->block_count;
  out->symbol_slots = out->string_slots + 2ull * h->string_slots;
  out->frozensets = out->symbol_slots + 2ull * h->symbol_slots;
  out->name = (const char *)(out->frozensets + h->frozenset_words);
  out->origin = out->name + h->name_bytes;
  out->cached = out->origin + h->origin_bytes;
  out->entry = out->cached + h->cached_bytes;
  return true;
}

enum pycds_reject pycds_reader_open(struct pycds_reader *reader, const uint8_t *bytes, uint64_t length) {
  enum pycds_reject reject = pycds_header_check(bytes, length, length);
  if (reject) return reject;
  reader->bytes = bytes;
  reader->length = length;
  memcpy(&reader->header, bytes, sizeof reader->header);
  return PYCDS_ACCEPTED;
}

bool pycds_reader_module(const struct pycds_reader *reader, uint32_t number, struct pycds_record *record,
                         struct pycds_fixup_lists *lists) {
  struct pycds_section records;
  if (number >= reader->header.module_count || !pycds_section_find(reader->bytes, PYCDS_SECTION_RECORDS, &records)) {
    return false;
  }
  memcpy(record, reader->bytes + records.offset + number * sizeof *record, sizeof *record);
  if (!pycds_record_check(record, &reader->header)) return false;
  const uint8_t *fixups = reader->bytes + record->block;
  return pycds_hash(fixups, record->fixup_bytes) == record->fixup_hash &&
         pycds_fixups_split(fixups, record->fixup_bytes, lists);
}

static bool all_below(const uint32_t *list, size_t count, size_t step, uint64_t limit) {
  for (size_t i = 0; i < count; i++) {
    if (list[i * step] >= limit) return false;
  }
  return true;
}

static bool frozensets_fit(const struct pycds_fixup_lists *lists, uint64_t pointer_limit) {
  const uint32_t *p = lists->frozensets, *end = p + lists->header->frozenset_words;
  while (p < end) {
    if (end - p < 2 || p[0] >= pointer_limit || p[1] > (uint64_t)(end - p - 2)) return false;
    if (!all_below(p + 2, p[1], 1, pointer_limit)) return false;
    p += 2 + p[1];
  }
  return true;
}

static bool lists_fit(const struct pycds_reader *reader, const struct pycds_record *r,
                      const struct pycds_fixup_lists *lists) {
  uint64_t limit = r->object_bytes < 8 ? 0 : r->object_bytes - 7; /* of an object offset that holds a pointer */
  const struct pycds_fixups *h = lists->header;
  bool fit = h->code < limit && all_below(lists->blocks, h->block_count, 1, reader->header.module_count) &&
             all_below(lists->string_slots, h->string_slots, 2, limit) &&
             all_below(lists->string_slots + 1, h->string_slots, 2, reader->header.string_count) &&
             all_below(lists->symbol_slots, h->symbol_slots, 2, limit) && frozensets_fit(lists, limit);
  for (int type = 0; type < PYCDS_TYPE_COUNT && fit; type++) {
    fit = all_below(lists->types[type], h->type_counts[type], 1, limit);
  }
  return fit;
}

static bool index_finds(const struct pycds_reader *reader, uint32_t number, uint64_t name_hash) {
  struct pycds_section index;
  if (!pycds_section_find(reader->bytes, PYCDS_SECTION_INDEX, &index)) return false;
  uint32_t mask = reader->header.index_slots - 1;
  for (uint32_t probe = 0; probe <= mask; probe++) {
    struct pycds_slot slot;
    uint64_t at = (name_hash + probe) & mask;
    memcpy(&slot, reader->bytes + index.offset + at * sizeof slot, sizeof slot);
    if (slot.record == PYCDS_NO_RECORD) return false;
    if (slot.record == number) return slot.name_hash == name_hash && slot.check == ((uint32_t)name_hash ^ number);
  }
  return false;
}

static const char *verify_module(const struct pycds_reader *reader, uint32_t number) {
  struct pycds_record r;
  struct pycds_fixup_lists lists;
  if (!pycds_reader_module(reader, number, &r, &lists)) return "the module's record or fix-ups are damaged";
  const uint8_t *offsets = reader->bytes + r.block + r.fixup_bytes;
  const uint8_t *strings = offsets + r.offset_bytes;
  const uint8_t *objects = strings + r.string_bytes;
  const uint8_t *relocations = objects + r.object_bytes;
  if (pycds_hash(relocations, r.reloc_bytes) != r.reloc_hash) return "the module's relocations are damaged";
  if (pycds_hash(offsets, r.offset_bytes) != r.offset_hash || pycds_hash(strings, r.string_bytes) != r.string_hash) {
    return "the module's strings are damaged";
  }
  if (pycds_hash(objects, r.object_bytes) != r.object_hash) return "the module's objects are damaged";
  if (!lists_fit(reader, &r, &lists)) return "the module's fix-ups point outside of it";
  if (pycds_hash(lists.name, lists.header->name_bytes) != r.name_hash || !index_finds(reader, number, r.name_hash)) {
    return "the index does not find the module";
  }
  return NULL;
}

const char *pycds_reader_verify(const struct pycds_reader *reader, uint32_t *module) {
  *module = PYCDS_NO_RECORD;
  for (uint32_t i = 0; i < reader->header.section_count; i++) {
    struct pycds_section section;
    memcpy(&section, reader->bytes + sizeof reader->header + i * sizeof section, sizeof section);
    if (section.hash != 0 && pycds_hash(reader->bytes + section.offset, section.bytes) != section.hash) {
      return "a section does not match its checksum";
    }
  }
  for (uint32_t number = 0; number < reader->header.module_count; number++) {
    const char *error = verify_module(reader, number);
    if (error) {
      *module = number;
      return error;
    }
  }
  return NULL;
}
