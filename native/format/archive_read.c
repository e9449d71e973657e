// SPDX-License-Identifier: Apache-2.0
#include "archive_read.h"

#include <string.h>

#include "assert.h"
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
  struct pycds_section index, path_index, records, layout;
  bool sound = hash_header(start, &h) == h.header_hash && sections_fit(start, &h) &&
               h.identity_bytes <= PYCDS_IDENTITY_BYTES && h.index_slots > 0 &&
               (h.index_slots & (h.index_slots - 1)) == 0 && pycds_section_find(start, PYCDS_SECTION_INDEX, &index) &&
               index.bytes == (uint64_t)h.index_slots * sizeof(struct pycds_slot) &&
               pycds_section_find(start, PYCDS_SECTION_PATH_INDEX, &path_index) && path_index.bytes == index.bytes &&
               pycds_section_find(start, PYCDS_SECTION_RECORDS, &records) &&
               records.bytes == (uint64_t)h.unit_count * sizeof(struct pycds_record) &&
               pycds_section_find(start, PYCDS_SECTION_LAYOUT, &layout) &&
               layout.bytes == sizeof(struct pycds_object_layout);
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

bool pycds_layout_check(const struct pycds_object_layout *l) {
  if (l->code_int_count > PYCDS_MAX_CODE_INTS || l->code_pointer_count > PYCDS_MAX_CODE_POINTERS ||
      l->code_bytes < PYCDS_OBJECT_HASH || l->str_ascii_header < PYCDS_STR_STATE + 8 ||
      l->str_header < l->str_ascii_header || l->tuple_items < PYCDS_OBJECT_HASH) {
    return false;
  }
  for (unsigned i = 0; i < l->code_int_count; i++) {
    if (l->code_ints[i] + 4u > l->code_bytes) return false;
  }
  for (unsigned i = 0; i < l->code_pointer_count; i++) {
    if (l->code_pointers[i] + 8u > l->code_bytes) return false;
  }
  return l->code_version + 4u <= l->code_bytes && l->code_warmup + 2u <= l->code_bytes;
}

bool pycds_record_check(const struct pycds_record *r, const struct pycds_header *h) {
  return pycds_hash(&r->name_hash, sizeof *r - sizeof r->record_hash) == r->record_hash &&
         in_range(r->block, (uint64_t)r->shared_bytes + r->unit_bytes, h->file_bytes) &&
         in_range(r->shared_first, r->shared_count, h->shared_count) && r->shared_bytes % PYCDS_ALIGN == 0 &&
         r->block % PYCDS_ALIGN == 0;
}

bool pycds_unit_split(const uint8_t *bytes, size_t length, struct pycds_unit_view *out) {
  const struct pycds_unit *h = (const void *)bytes;
  if (length < sizeof *h) return false;
  uint64_t texts = (uint64_t)h->name_bytes + h->origin_bytes + h->cached_bytes + h->entry_bytes;
  if (texts > length - sizeof *h) return false;
  out->header = h;
  out->name = (const char *)(bytes + sizeof *h);
  out->origin = out->name + h->name_bytes;
  out->cached = out->origin + h->origin_bytes;
  out->entry = out->cached + h->cached_bytes;
  out->stream = (struct pycds_cursor){bytes + sizeof *h + texts, bytes + length};
  PYCDS_ASSERT((const uint8_t *)(out->entry + h->entry_bytes) == out->stream.at && out->stream.at <= out->stream.end);
  return true;
}

enum pycds_reject pycds_reader_open(struct pycds_reader *reader, const uint8_t *bytes, uint64_t length) {
  enum pycds_reject reject = pycds_header_check(bytes, PYCDS_NARROW(size_t, length), length);
  if (reject) return reject;
  reader->bytes = bytes;
  reader->length = length;
  memcpy(&reader->header, bytes, sizeof reader->header);
  return PYCDS_ACCEPTED;
}

bool pycds_reader_unit(const struct pycds_reader *reader, uint32_t number, struct pycds_record *record,
                       struct pycds_unit_view *unit) {
  struct pycds_section records;
  if (number >= reader->header.unit_count || !pycds_section_find(reader->bytes, PYCDS_SECTION_RECORDS, &records)) {
    return false;
  }
  memcpy(record, reader->bytes + records.offset + number * sizeof *record, sizeof *record);
  if (!pycds_record_check(record, &reader->header)) return false;
  const uint8_t *bytes = reader->bytes + record->block + record->shared_bytes;
  return pycds_block_hash(bytes, record->unit_bytes) == record->unit_hash &&
         pycds_unit_split(bytes, record->unit_bytes, unit);
}

/* ---- streams ---- */

static bool skip_references(struct pycds_stream_walk *w, uint32_t count, bool may_be_null) {
  for (; count > 0; count--) {
    uint32_t word;
    if (!pycds_take_varint(&w->cursor, &word)) return false;
    bool sound = word & 1 ? word >> 1 < w->shared_limit : word == 0 ? may_be_null : word >> 1 <= w->index;
    if (!sound) return false;
  }
  return true;
}

static bool skip_code(struct pycds_stream_walk *w) {
  uint32_t bytes, ignored;
  if (!pycds_take_varint(&w->cursor, &bytes)) return false;
  for (unsigned i = 0; i < w->layout->code_int_count; i++) {
    if (!pycds_take_varint(&w->cursor, &ignored)) return false;
  }
  return skip_references(w, w->layout->code_pointer_count, true) && pycds_take_bytes(&w->cursor, bytes);
}

bool pycds_stream_skip(struct pycds_stream_walk *w, uint8_t *op) {
  uint32_t count, word;
  if (!pycds_take_op(&w->cursor, op, &count)) return false;
  switch (*op) {
    case PYCDS_OP_ASCII:
    case PYCDS_OP_NAME:
    case PYCDS_OP_BYTES:
    case PYCDS_OP_RAW: return pycds_take_bytes(&w->cursor, count) != NULL;
    case PYCDS_OP_TEXT: {
      const uint8_t *kind = pycds_take_bytes(&w->cursor, 1);
      uint32_t width = kind ? pycds_text_width(*kind) : 0;
      return width && pycds_take_bytes(&w->cursor, (size_t)count * width);
    }
    case PYCDS_OP_INT:
      return pycds_take_varint(&w->cursor, &word) && pycds_is_int(count, word, w->hexversion) &&
             pycds_take_bytes(&w->cursor, 4 * (size_t)count);
    case PYCDS_OP_NUMBER: return pycds_is_number(count) && pycds_take_bytes(&w->cursor, count * sizeof(double));
    case PYCDS_OP_TUPLE: return skip_references(w, count, false);
    case PYCDS_OP_FROZENSET: return skip_references(w, 1, false);
    case PYCDS_OP_SLICE: return skip_references(w, 3, false);
    case PYCDS_OP_CODE: return skip_code(w);
    case PYCDS_OP_SYMBOL: return count < PYCDS_SYMBOL_KINDS && pycds_take_varint(&w->cursor, &word);
    default: return false;
  }
}

/* Whether `objects` operations fit the stream; *last is the kind of the last one. Each of a shared part is the next shared constant. */
static bool stream_fits(struct pycds_stream_walk *w, uint32_t objects, bool shared, uint8_t *last) {
  for (w->index = 0; w->index < objects; w->index++) {
    if (!pycds_stream_skip(w, last)) return false;
    w->shared_limit += shared;
  }
  return true;
}

static bool streams_fit(const struct pycds_reader *reader, const struct pycds_record *r,
                        const struct pycds_unit_view *unit, const struct pycds_object_layout *layout) {
  const uint8_t *block = reader->bytes + r->block;
  uint8_t last = PYCDS_OP_KINDS;
  struct pycds_stream_walk w = {.cursor = {block, block + r->shared_bytes},
                                .layout = layout,
                                .hexversion = reader->header.hexversion,
                                .shared_limit = r->shared_first};
  if (!stream_fits(&w, r->shared_count, true, &last) || w.cursor.end - w.cursor.at >= (ptrdiff_t)PYCDS_ALIGN)
    return false;
  w.cursor = unit->stream;
  return stream_fits(&w, unit->header->objects, false, &last) && last == PYCDS_OP_CODE && w.cursor.at == w.cursor.end;
}

static bool index_finds(const struct pycds_reader *reader, enum pycds_section_kind kind, uint32_t number,
                        uint64_t hash) {
  struct pycds_section index;
  if (!pycds_section_find(reader->bytes, kind, &index)) return false;
  uint32_t mask = reader->header.index_slots - 1;
  for (uint32_t probe = 0; probe <= mask; probe++) {
    struct pycds_slot slot;
    uint64_t at = (hash + probe) & mask;
    memcpy(&slot, reader->bytes + index.offset + at * sizeof slot, sizeof slot);
    if (slot.record == PYCDS_NO_RECORD) return false;
    if (slot.record == number) return slot.hash == hash && slot.check == ((uint32_t)hash ^ number);
  }
  return false;
}

static const char *verify_unit(const struct pycds_reader *reader, const struct pycds_object_layout *layout,
                               uint32_t number, uint32_t *shared_next) {
  struct pycds_record r;
  struct pycds_unit_view unit;
  if (!pycds_reader_unit(reader, number, &r, &unit)) return "the unit's record or code is damaged";
  const uint8_t *block = reader->bytes + r.block;
  if (pycds_block_hash(block, r.shared_bytes) != r.shared_hash || r.shared_first != *shared_next) {
    return "the unit's constants are damaged";
  }
  *shared_next += r.shared_count;
  if (!streams_fit(reader, &r, &unit, layout)) return "the unit's objects refer to what is not there";
  if (pycds_hash(unit.name, unit.header->name_bytes) != r.name_hash ||
      !index_finds(reader, PYCDS_SECTION_INDEX, number, r.name_hash)) {
    return "the index does not find the unit";
  }
  if (!index_finds(reader, PYCDS_SECTION_PATH_INDEX, number, pycds_hash(unit.origin, unit.header->origin_bytes))) {
    return "the index of paths does not find the unit";
  }
  return NULL;
}

const char *pycds_reader_verify(const struct pycds_reader *reader, uint32_t *unit) {
  *unit = PYCDS_NO_RECORD;
  for (uint32_t i = 0; i < reader->header.section_count; i++) {
    struct pycds_section section;
    memcpy(&section, reader->bytes + sizeof reader->header + i * sizeof section, sizeof section);
    if (section.hash != 0 &&
        pycds_hash(reader->bytes + section.offset, PYCDS_NARROW(size_t, section.bytes)) != section.hash) {
      return "a section does not match its checksum";
    }
  }
  struct pycds_section section;
  struct pycds_object_layout layout;
  pycds_section_find(reader->bytes, PYCDS_SECTION_LAYOUT, &section);
  memcpy(&layout, reader->bytes + section.offset, sizeof layout);
  if (!pycds_layout_check(&layout)) return "the object layout is damaged";
  uint32_t shared_next = 0;
  for (uint32_t number = 0; number < reader->header.unit_count; number++) {
    const char *error = verify_unit(reader, &layout, number, &shared_next);
    if (error) {
      *unit = number;
      return error;
    }
  }
  return shared_next == reader->header.shared_count ? NULL : "the shared constants are incomplete";
}

const char *pycds_reader_caches(const struct pycds_reader *reader, struct pycds_cache_counts *counts) {
  struct pycds_section index, entries;
  *counts = (struct pycds_cache_counts){0};
  if (!pycds_section_find(reader->bytes, PYCDS_SECTION_CACHE_INDEX, &index)) return NULL;
  if (!pycds_section_find(reader->bytes, PYCDS_SECTION_CACHE, &entries)) return "cached results lack a section";
  return pycds_cache_verify(reader->bytes + index.offset, index.bytes, reader->bytes + entries.offset, entries.bytes,
                            counts);
}
