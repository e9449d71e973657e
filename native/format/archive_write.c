// SPDX-License-Identifier: Apache-2.0
#include "archive_write.h"

#include <stdlib.h>
#include <string.h>

#include "assert.h"
#include "canonical.h"
#include "hash.h"
#include "stream_write.h"

/* Unique and far above what the interpreter hands out by itself; 0 would mean "never
 * specialise". */
#define FIRST_CODE_VERSION 0x40000000u
#define MAX_MARSHAL_BYTES ((size_t)64 * 1024 * 1024)

struct writer {
  const struct pycds_target *target;
  struct pycds_arena arena; /* all units' graphs: what is shared is only known once all are read */
  struct pycds_constants constants;
  struct pycds_encoder encoder;
  struct pycds_record *records;
  uint64_t *path_hashes; /* of each unit */
  uint32_t unit_count;
  struct pycds_buffer blocks; /* the BLOCKS section; record.block counts from its start until sealed */
};

static void put_unit(struct pycds_buffer *out, const struct pycds_block *block, const struct pycds_module *module) {
  struct pycds_unit unit = {
      .source_mtime = module->source_mtime,
      .source_size = module->source_size,
      .source_hash = module->source_hash,
      .flags = module->flags,
      .objects = block->own.objects,
      .first_version = block->first_version,
      .code_objects = block->code_objects,
      .marshal_bytes = pycds_buffer_narrow(out, module->marshal_bytes),
      .name_bytes = pycds_buffer_narrow(out, module->name.length),
      .origin_bytes = pycds_buffer_narrow(out, module->origin.length),
      .cached_bytes = pycds_buffer_narrow(out, module->cached.length),
      .entry_bytes = pycds_buffer_narrow(out, module->entry.length),
  };
  pycds_buffer_put(out, &unit, sizeof unit);
  const struct pycds_text *texts[] = {&module->name, &module->origin, &module->cached, &module->entry};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) pycds_buffer_put(out, texts[i]->bytes, texts[i]->length);
  pycds_buffer_put(out, block->own.bytes.bytes, block->own.bytes.length);
}

static void put_block(struct writer *w, struct pycds_block *block, uint32_t shared_first, struct pycds_module *module) {
  w->path_hashes[w->unit_count] = pycds_hash(module->origin.bytes, module->origin.length);
  struct pycds_record *record = &w->records[w->unit_count++];
  pycds_buffer_align(&w->blocks, PYCDS_ALIGN);
  pycds_buffer_align(&block->shared.bytes, PYCDS_ALIGN); /* so that the unit header is aligned */
  *record = (struct pycds_record){
      .name_hash = pycds_hash(module->name.bytes, module->name.length),
      .block = w->blocks.length,
      .shared_bytes = pycds_buffer_narrow(&w->blocks, block->shared.bytes.length),
      .shared_first = shared_first,
      .shared_count = block->shared.objects,
  };
  pycds_buffer_put(&w->blocks, block->shared.bytes.bytes, block->shared.bytes.length);
  put_unit(&w->blocks, block, module);
  if (w->blocks.failed) return;
  record->unit_bytes = pycds_buffer_narrow(&w->blocks, w->blocks.length - (size_t)record->block - record->shared_bytes);
  module->stored_bytes = pycds_buffer_narrow(&w->blocks, (size_t)record->shared_bytes + record->unit_bytes);
  if (w->blocks.failed) return;
  PYCDS_ASSERT(record->block % PYCDS_ALIGN == 0 && record->shared_bytes % PYCDS_ALIGN == 0);
  PYCDS_ASSERT(record->block + record->shared_bytes + record->unit_bytes == w->blocks.length);
  const uint8_t *start = w->blocks.bytes + record->block;
  record->shared_hash = pycds_block_hash(start, record->shared_bytes);
  record->unit_hash = pycds_block_hash(start + record->shared_bytes, record->unit_bytes);
  module->code_objects = block->code_objects;
}

/* The unit's canonical graph; NULL when it is left out. */
static struct pycds_value *read_unit(struct writer *w, struct pycds_module *module) {
  if (module->marshal_bytes > MAX_MARSHAL_BYTES) {
    module->left_out = "its code is too large";
    return NULL;
  }
  struct pycds_value *root =
      pycds_marshal_decode(&w->arena, w->encoder.layout, module->marshal, module->marshal_bytes, &module->left_out);
  if (!root) return NULL;
  module->left_out = pycds_canonicalise(&w->constants, root, module->seeds, module->seeds_bytes, module->fresh);
  return module->left_out ? NULL : root;
}

static const char *put_blocks(struct writer *w, struct pycds_module *modules, struct pycds_value **roots,
                              size_t count) {
  const char *error = NULL;
  for (size_t i = 0; i < count && !error; i++) {
    if (!roots[i]) continue;
    struct pycds_block block = {0};
    uint32_t shared_first = w->encoder.shared_count;
    w->encoder.unit = w->unit_count;
    w->encoder.block = &block;
    error = pycds_encode_unit(&w->encoder, roots[i]);
    if (!error) put_block(w, &block, shared_first, &modules[i]);
    pycds_block_free(&block);
  }
  return error;
}

static uint32_t slots_for(uint32_t count) {
  uint32_t slots = 16;
  while (slots < count * 2) slots *= 2;
  return slots;
}

static uint64_t key_of(const struct writer *w, enum pycds_section_kind index, uint32_t record) {
  return index == PYCDS_SECTION_PATH_INDEX ? w->path_hashes[record] : w->records[record].name_hash;
}

static void put_index(const struct writer *w, enum pycds_section_kind index, struct pycds_buffer *out,
                      uint32_t slot_count) {
  size_t start = pycds_buffer_put(out, NULL, slot_count * sizeof(struct pycds_slot));
  if (out->failed) return;
  PYCDS_ASSERT((slot_count & (slot_count - 1)) == 0 && slot_count > w->unit_count); /* probing ends */
  struct pycds_slot *slots = (struct pycds_slot *)(void *)(out->bytes + start);
  for (uint32_t i = 0; i < slot_count; i++) slots[i].record = PYCDS_NO_RECORD;
  for (uint32_t record = 0; record < w->unit_count; record++) {
    uint64_t hash = key_of(w, index, record);
    uint32_t at = (uint32_t)hash & (slot_count - 1);
    while (slots[at].record != PYCDS_NO_RECORD) at = (at + 1) & (slot_count - 1);
    slots[at] = (struct pycds_slot){.hash = hash, .record = record, .check = (uint32_t)hash ^ record};
  }
}

/* What a section holds, in the memory of the writer. */
struct part {
  enum pycds_section_kind kind;
  const void *bytes;
  size_t length;
};

/* The records say where their blocks are, which is known once all sections in front of those have their place. */
static void seal_records(struct writer *w, uint64_t blocks_offset) {
  for (uint32_t i = 0; i < w->unit_count; i++) {
    struct pycds_record *record = &w->records[i];
    record->block += blocks_offset;
    record->record_hash = pycds_hash(&record->name_hash, sizeof *record - sizeof record->record_hash);
  }
}

/* One behind the other, behind their table. */
static void place_sections(const struct part *parts, size_t count, struct pycds_section *sections) {
  uint64_t end = sizeof(struct pycds_header) + count * sizeof *sections;
  for (size_t i = 0; i < count; i++) {
    uint64_t offset = (end + PYCDS_ALIGN - 1) & ~(uint64_t)(PYCDS_ALIGN - 1);
    sections[i] = (struct pycds_section){.kind = parts[i].kind, .offset = offset, .bytes = parts[i].length};
    end = offset + parts[i].length;
  }
}

static void put_section(struct pycds_buffer *out, const struct part *part, struct pycds_section *section) {
  pycds_buffer_align(out, PYCDS_ALIGN);
  PYCDS_ASSERT(out->failed || out->length == section->offset);
  if (part->length > 0) pycds_buffer_put(out, part->bytes, part->length);
  if (out->failed || part->kind == PYCDS_SECTION_BLOCKS) return; /* blocks have checksums of their own */
  section->hash = pycds_hash(out->bytes + section->offset, part->length);
}

static void seal(const struct writer *w, struct pycds_buffer *out, const struct pycds_section *sections,
                 uint32_t section_count, uint32_t slots) {
  const struct pycds_target *target = w->target;
  struct pycds_header header = {
      .format = PYCDS_FORMAT,
      .header_bytes = PYCDS_NARROW(uint32_t, sizeof header + section_count * sizeof *sections),
      .file_bytes = out->length,
      .hexversion = target->hexversion,
      .machine = target->machine,
      .pointer_bytes = 8,
      .validate = target->validate,
      .optimize = target->optimize,
      .identity_kind = target->identity_kind,
      .identity_bytes = target->identity_bytes,
      .section_count = section_count,
      .arena_bytes = w->encoder.arena_bytes,
      .unit_count = w->unit_count,
      .shared_count = w->encoder.shared_count,
      .index_slots = slots,
  };
  memcpy(header.magic, PYCDS_MAGIC, PYCDS_MAGIC_BYTES);
  memcpy(header.identity, target->identity, sizeof header.identity);
  memcpy(header.python_magic, target->python_magic, sizeof header.python_magic);
  memcpy(out->bytes + sizeof header, sections, section_count * sizeof *sections);
  memcpy(out->bytes, &header, sizeof header);
  header.header_hash = pycds_hash(out->bytes, header.header_bytes);
  memcpy(out->bytes, &header, sizeof header);
}

static void put_file(struct writer *w, const struct pycds_caches *caches, struct pycds_text info,
                     struct pycds_buffer *out) {
  uint32_t slots = slots_for(w->unit_count);
  struct pycds_buffer index = {0}, path_index = {0}, cache_index = {0};
  put_index(w, PYCDS_SECTION_INDEX, &index, slots);
  put_index(w, PYCDS_SECTION_PATH_INDEX, &path_index, slots);
  pycds_caches_put_index(caches, &cache_index);
  const struct pycds_object_layout layout = pycds_object_layout(w->encoder.layout);
  const struct part parts[] = {
      {PYCDS_SECTION_LAYOUT, &layout, sizeof layout},
      {PYCDS_SECTION_INDEX, index.bytes, index.length},
      {PYCDS_SECTION_PATH_INDEX, path_index.bytes, path_index.length},
      {PYCDS_SECTION_RECORDS, w->records, w->unit_count * sizeof *w->records},
      {PYCDS_SECTION_BLOCKS, w->blocks.bytes, w->blocks.length},
      {PYCDS_SECTION_INFO, info.bytes, info.length},
      {PYCDS_SECTION_CACHE_INDEX, cache_index.bytes, cache_index.length},
      {PYCDS_SECTION_CACHE, caches->entries.bytes, caches->entries.length},
      {PYCDS_SECTION_FILES, w->target->files.bytes, w->target->files.length},
  };
  enum { COUNT = sizeof parts / sizeof *parts };
  struct pycds_section sections[COUNT];
  place_sections(parts, COUNT, sections);
  for (size_t i = 0; i < COUNT; i++) {
    if (parts[i].kind == PYCDS_SECTION_BLOCKS) seal_records(w, sections[i].offset);
  }
  pycds_buffer_put(out, NULL, sizeof(struct pycds_header) + sizeof sections);
  for (size_t i = 0; i < COUNT; i++) put_section(out, &parts[i], &sections[i]);
  out->failed |= index.failed || path_index.failed || cache_index.failed;
  if (!out->failed) seal(w, out, sections, COUNT, slots);
  pycds_buffer_free(&index);
  pycds_buffer_free(&path_index);
  pycds_buffer_free(&cache_index);
}

const char *pycds_archive_write(const struct pycds_target *target, struct pycds_module *modules, size_t count,
                                const struct pycds_caches *caches, struct pycds_text info, struct pycds_buffer *out) {
  struct writer w = {.target = target, .encoder.next_version = FIRST_CODE_VERSION};
  const char *error = NULL;
  w.encoder.layout = pycds_layout_find((int)(target->hexversion >> 24), (int)(target->hexversion >> 16 & 0xff));
  if (!w.encoder.layout) return "this CPython version has no known object layout";
  if (count > PYCDS_NO_RECORD / 4) return "too many units";
  w.constants.arena = &w.arena;
  w.records = calloc(count + 1, sizeof *w.records);
  w.path_hashes = calloc(count + 1, sizeof *w.path_hashes);
  struct pycds_value **roots = calloc(count + 1, sizeof *roots);
  if (!w.records || !w.path_hashes || !roots) error = "out of memory";
  for (size_t i = 0; i < count && !error; i++) roots[i] = read_unit(&w, &modules[i]);
  if (!error) error = w.arena.failed ? "out of memory" : put_blocks(&w, modules, roots, count);
  if (!error) put_file(&w, caches, info, out);
  const struct pycds_buffer *buffers[] = {&w.blocks, &caches->entries, &caches->places, out};
  for (size_t i = 0; i < sizeof buffers / sizeof *buffers && !error; i++) error = pycds_buffer_error(buffers[i]);
  pycds_arena_free(&w.arena);
  pycds_buffer_free(&w.blocks);
  free(roots);
  free(w.path_hashes);
  free(w.records);
  return error;
}
