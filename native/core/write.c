// SPDX-License-Identifier: Apache-2.0
#include "write.h"

#include <stdlib.h>
#include <string.h>

#include "canonical.h"
#include "hash.h"
#include "layout_objects.h"

/* Unique and far above what the interpreter hands out by itself; 0 would mean "never
 * specialise". */
#define FIRST_CODE_VERSION 0x40000000u
#define MAX_MARSHAL_BYTES ((size_t)64 * 1024 * 1024)
#define SECTIONS 4

struct writer {
  const struct pycds_target *target;
  const struct pycds_layout *layout;
  struct pycds_strings strings;
  struct pycds_record *records;
  uint32_t *needed_stamp;
  uint32_t module_count, next_version;
  uint64_t arena_bytes;
  struct pycds_buffer blocks; /* the BLOCKS section; record.block counts from its start until sealed */
};

static uint64_t hash_buffer(const struct pycds_buffer *buffer) { return pycds_hash(buffer->bytes, buffer->length); }

/* Internal pointers were stored as object offsets; the place of the objects is known now. */
static void rebase(struct pycds_block *block, uint64_t objects_address) {
  const uint8_t *list = block->relocations.bytes;
  for (size_t i = 0; i < block->relocations.length; i += 4) {
    uint32_t slot;
    uint64_t pointer;
    memcpy(&slot, list + i, sizeof slot);
    memcpy(&pointer, block->objects.bytes + slot, sizeof pointer);
    pointer += objects_address;
    memcpy(block->objects.bytes + slot, &pointer, sizeof pointer);
  }
}

static void put_fixups(struct pycds_buffer *out, const struct pycds_block *block, const struct pycds_module *module) {
  struct pycds_fixups fixups = {
      .source_mtime = module->source_mtime,
      .source_size = module->source_size,
      .source_hash = module->source_hash,
      .flags = module->flags,
      .code = block->code,
      .code_objects = block->code_objects,
      .marshal_bytes = (uint32_t)module->marshal_bytes,
      .block_count = (uint32_t)(block->needed_blocks.length / 4),
      .string_slots = (uint32_t)(block->string_slots.length / 8),
      .symbol_slots = (uint32_t)(block->symbol_slots.length / 8),
      .frozenset_words = (uint32_t)(block->frozensets.length / 4),
      .name_bytes = (uint32_t)module->name.length,
      .origin_bytes = (uint32_t)module->origin.length,
      .cached_bytes = (uint32_t)module->cached.length,
      .entry_bytes = (uint32_t)module->entry.length,
  };
  for (int type = 0; type < PYCDS_TYPE_COUNT; type++) {
    fixups.type_counts[type] = (uint32_t)(block->types[type].length / 4);
  }
  pycds_buffer_put(out, &fixups, sizeof fixups);
  for (int type = 0; type < PYCDS_TYPE_COUNT; type++) {
    pycds_buffer_put(out, block->types[type].bytes, block->types[type].length);
  }
  const struct pycds_buffer *lists[] = {&block->needed_blocks, &block->string_slots, &block->symbol_slots,
                                        &block->frozensets};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) pycds_buffer_put(out, lists[i]->bytes, lists[i]->length);
  const struct pycds_text *texts[] = {&module->name, &module->origin, &module->cached, &module->entry};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) pycds_buffer_put(out, texts[i]->bytes, texts[i]->length);
  pycds_buffer_align(out, 4);
}

static void put_block(struct writer *w, struct pycds_block *block, struct pycds_module *module) {
  pycds_buffer_align(&w->blocks, PYCDS_ALIGN);
  struct pycds_record *record = &w->records[w->module_count++];
  *record = (struct pycds_record){
      .name_hash = pycds_hash(module->name.bytes, module->name.length),
      .block = w->blocks.length,
      .reloc_bytes = (uint32_t)block->relocations.length,
      .offset_bytes = (uint32_t)block->string_offsets.length,
      .string_bytes = (uint32_t)block->strings.length,
      .object_bytes = (uint32_t)block->objects.length,
      .string_count = block->string_count,
      .string_first = block->string_first,
      .arena = w->arena_bytes,
      .reloc_hash = hash_buffer(&block->relocations),
      .offset_hash = hash_buffer(&block->string_offsets),
      .string_hash = hash_buffer(&block->strings),
  };
  rebase(block, PYCDS_ARENA_BASE + record->arena + record->string_bytes);
  record->object_hash = hash_buffer(&block->objects);
  w->arena_bytes += record->string_bytes + record->object_bytes;

  put_fixups(&w->blocks, block, module);
  record->fixup_bytes = (uint32_t)(w->blocks.length - record->block);
  pycds_buffer_put(&w->blocks, block->string_offsets.bytes, block->string_offsets.length);
  pycds_buffer_put(&w->blocks, block->strings.bytes, block->strings.length);
  if (!w->blocks.failed) record->fixup_hash = pycds_hash(w->blocks.bytes + record->block, record->fixup_bytes);
  pycds_buffer_put(&w->blocks, block->objects.bytes, block->objects.length);
  pycds_buffer_put(&w->blocks, block->relocations.bytes, block->relocations.length);
  module->code_objects = block->code_objects;
  module->stored_bytes = (uint32_t)(w->blocks.length - record->block);
}

/* Returns a sentence only when the whole archive must be given up. */
static const char *add_module(struct writer *w, struct pycds_module *module) {
  if (module->marshal_bytes > MAX_MARSHAL_BYTES) {
    module->left_out = "its code is too large";
    return NULL;
  }
  struct pycds_arena arena = {0};
  struct pycds_value *root = pycds_marshal_decode(&arena, module->marshal, module->marshal_bytes, &module->left_out);
  if (root) module->left_out = pycds_canonicalise(&arena, root, module->seeds, module->seeds_bytes);
  const char *error = NULL;
  if (!module->left_out) {
    struct pycds_block block = {0};
    struct pycds_layouter layouter = {.layout = w->layout,
                                      .strings = &w->strings,
                                      .needed_stamp = w->needed_stamp,
                                      .module = w->module_count,
                                      .next_version = &w->next_version,
                                      .block = &block};
    error = pycds_layout_module(&layouter, root);
    if (!error) put_block(w, &block, module);
    pycds_block_free(&block);
  }
  pycds_arena_free(&arena);
  return error;
}

static uint32_t slots_for(uint32_t count) {
  uint32_t slots = 16;
  while (slots < count * 2) slots *= 2;
  return slots;
}

static void put_index(const struct writer *w, struct pycds_buffer *out, uint32_t slot_count) {
  size_t start = pycds_buffer_put(out, NULL, slot_count * sizeof(struct pycds_slot));
  if (out->failed) return;
  struct pycds_slot *slots = (struct pycds_slot *)(void *)(out->bytes + start);
  for (uint32_t i = 0; i < slot_count; i++) slots[i].record = PYCDS_NO_RECORD;
  for (uint32_t record = 0; record < w->module_count; record++) {
    uint64_t hash = w->records[record].name_hash;
    uint32_t at = (uint32_t)hash & (slot_count - 1);
    while (slots[at].record != PYCDS_NO_RECORD) at = (at + 1) & (slot_count - 1);
    slots[at] = (struct pycds_slot){.name_hash = hash, .record = record, .check = (uint32_t)hash ^ record};
  }
}

static void start_section(struct pycds_buffer *out, struct pycds_section *section, enum pycds_section_kind kind) {
  pycds_buffer_align(out, PYCDS_ALIGN);
  *section = (struct pycds_section){.kind = kind, .offset = out->length};
}

static void finish_section(const struct pycds_buffer *out, struct pycds_section *section) {
  section->bytes = out->length - section->offset;
  if (!out->failed && section->kind != PYCDS_SECTION_BLOCKS) {
    section->hash = pycds_hash(out->bytes + section->offset, section->bytes);
  }
}

static void put_records(struct writer *w, struct pycds_buffer *out, uint64_t blocks_offset) {
  for (uint32_t i = 0; i < w->module_count; i++) {
    struct pycds_record *record = &w->records[i];
    record->block += blocks_offset;
    record->record_hash = pycds_hash(&record->name_hash, sizeof *record - sizeof record->record_hash);
    pycds_buffer_put(out, record, sizeof *record);
  }
}

static void seal(const struct writer *w, struct pycds_buffer *out, const struct pycds_section *sections,
                 uint32_t slots) {
  const struct pycds_target *target = w->target;
  struct pycds_header header = {
      .magic = PYCDS_MAGIC,
      .format = PYCDS_FORMAT,
      .header_bytes = sizeof header + SECTIONS * sizeof *sections,
      .file_bytes = out->length,
      .hexversion = target->hexversion,
      .machine = target->machine,
      .pointer_bytes = 8,
      .validate = target->validate,
      .optimize = target->optimize,
      .identity_kind = target->identity_kind,
      .identity_bytes = target->identity_bytes,
      .section_count = SECTIONS,
      .arena_base = PYCDS_ARENA_BASE,
      .arena_bytes = w->arena_bytes,
      .module_count = w->module_count,
      .string_count = w->strings.count,
      .index_slots = slots,
  };
  memcpy(header.identity, target->identity, sizeof header.identity);
  memcpy(header.python_magic, target->python_magic, sizeof header.python_magic);
  memcpy(out->bytes + sizeof header, sections, SECTIONS * sizeof *sections);
  memcpy(out->bytes, &header, sizeof header);
  header.header_hash = pycds_hash(out->bytes, header.header_bytes);
  memcpy(out->bytes, &header, sizeof header);
}

static void put_file(struct writer *w, struct pycds_text info, struct pycds_buffer *out) {
  struct pycds_section sections[SECTIONS];
  uint32_t slots = slots_for(w->module_count);
  pycds_buffer_put(out, NULL, sizeof(struct pycds_header) + sizeof sections);
  start_section(out, &sections[0], PYCDS_SECTION_INDEX);
  put_index(w, out, slots);
  finish_section(out, &sections[0]);

  start_section(out, &sections[1], PYCDS_SECTION_RECORDS);
  uint64_t blocks = out->length + w->module_count * sizeof(struct pycds_record);
  blocks = (blocks + PYCDS_ALIGN - 1) & ~(uint64_t)(PYCDS_ALIGN - 1);
  put_records(w, out, blocks);
  finish_section(out, &sections[1]);

  start_section(out, &sections[2], PYCDS_SECTION_BLOCKS);
  pycds_buffer_put(out, w->blocks.bytes, w->blocks.length);
  finish_section(out, &sections[2]);

  start_section(out, &sections[3], PYCDS_SECTION_INFO);
  pycds_buffer_put(out, info.bytes, info.length);
  finish_section(out, &sections[3]);
  if (!out->failed) seal(w, out, sections, slots);
}

const char *pycds_archive_write(const struct pycds_target *target, struct pycds_module *modules, size_t count,
                                struct pycds_text info, struct pycds_buffer *out) {
  struct writer w = {.target = target, .next_version = FIRST_CODE_VERSION};
  const char *error = NULL;
  w.layout = pycds_layout_find((int)(target->hexversion >> 24), (int)(target->hexversion >> 16 & 0xff));
  if (!w.layout) return "this CPython version has no known object layout";
  if (count > PYCDS_NO_RECORD / 4) return "too many modules";
  w.records = calloc(count + 1, sizeof *w.records);
  w.needed_stamp = calloc(count + 1, sizeof *w.needed_stamp);
  if (!w.records || !w.needed_stamp) error = "out of memory";
  for (size_t i = 0; i < count && !error; i++) error = add_module(&w, &modules[i]);
  if (!error) put_file(&w, info, out);
  if (!error && (w.blocks.failed || out->failed)) error = "out of memory";
  pycds_strings_free(&w.strings);
  pycds_buffer_free(&w.blocks);
  free(w.needed_stamp);
  free(w.records);
  return error;
}
