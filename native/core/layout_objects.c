// SPDX-License-Identifier: Apache-2.0
#include "layout_objects.h"

#include <string.h>

#define HEADER_BYTES 16u  /* ob_refcnt, ob_type */
#define GC_HEAD_BYTES 16u /* in front of containers; zero means untracked */
#define STR_STATE 32u
#define STR_LENGTH 16u
#define SIZE_FIELD 16u /* ob_size of variable-sized objects, lv_tag of int */
#define HASH_FIELD 24u /* of str and bytes */
#define BYTES_DATA 32u
#define INT_DIGITS 24u
#define NUMBER_DATA 16u

/* Where a value ended up; kept in value->place_kind, with its number in value->place. */
enum place { NOWHERE, INTERNAL, STRING, SYMBOL, FROZENSET };

/* One constant frozenset: it is built at load, from a tuple of its items. */
struct frozenset {
  size_t tuple; /* object offset */
  struct pycds_buffer slots;
};

/* fast-local kinds, CPython's pycore_code.h */
#define CO_FAST_LOCAL 0x20
#define CO_FAST_CELL 0x40
#define CO_FAST_FREE 0x80

static void place(struct pycds_layouter *l, struct pycds_value *value);

/* ---- raw objects ---- */

static void put_at(struct pycds_buffer *buffer, size_t offset, const void *bytes, size_t length) {
  if (!buffer->failed) memcpy(buffer->bytes + offset, bytes, length);
}

static void put_i32(struct pycds_buffer *buffer, size_t object, int field, int64_t value) {
  int32_t narrow = (int32_t)value;
  if (field >= 0) put_at(buffer, object + (size_t)field, &narrow, sizeof narrow);
}

static void put_i64(struct pycds_buffer *buffer, size_t object, size_t field, int64_t value) {
  put_at(buffer, object + field, &value, sizeof value);
}

/* Appends a zeroed object with its reference count; containers get a GC head in front. */
static size_t object_start(struct pycds_layouter *l, struct pycds_buffer *buffer, size_t bytes, bool container) {
  pycds_buffer_align(buffer, PYCDS_ALIGN);
  if (container) pycds_buffer_put(buffer, NULL, GC_HEAD_BYTES);
  size_t object = pycds_buffer_put(buffer, NULL, bytes);
  put_at(buffer, object, &l->layout->refcount, sizeof l->layout->refcount);
  return object;
}

static size_t object_finish(struct pycds_layouter *l, enum pycds_type type, size_t object) {
  pycds_buffer_put32(&l->block->types[type], (uint32_t)object);
  return object;
}

static size_t emit_str(struct pycds_layouter *l, struct pycds_buffer *buffer, const struct pycds_value *v) {
  size_t header = (size_t)(v->ascii ? l->layout->str_ascii_header : l->layout->str_header);
  size_t chars = v->length * v->char_bytes;
  size_t object = object_start(l, buffer, header + chars + v->char_bytes, false);
  uint32_t state = (uint32_t)v->char_bytes << 2 | 1u << 5 | (uint32_t)v->ascii << 6 | (uint32_t)l->layout->str_state;
  put_i64(buffer, object, STR_LENGTH, (int64_t)v->length);
  put_i64(buffer, object, HASH_FIELD, -1);
  put_at(buffer, object + STR_STATE, &state, sizeof state);
  if (chars) put_at(buffer, object + header, v->chars, chars);
  return object;
}

static size_t emit_bytes(struct pycds_layouter *l, const struct pycds_value *v) {
  struct pycds_buffer *objects = &l->block->objects;
  size_t object = object_start(l, objects, BYTES_DATA + v->length + 1, false);
  put_i64(objects, object, SIZE_FIELD, (int64_t)v->length);
  put_i64(objects, object, HASH_FIELD, -1);
  put_at(objects, object + BYTES_DATA, v->bytes, v->length);
  return object_finish(l, PYCDS_TYPE_BYTES, object);
}

static size_t emit_int(struct pycds_layouter *l, const struct pycds_value *v) {
  struct pycds_buffer *objects = &l->block->objects;
  size_t object = object_start(l, objects, INT_DIGITS + 4 * (v->length ? v->length : 1), false);
  int64_t count = (int64_t)v->length;
  int64_t tagged = count << 3 | (count == 0 ? 1 : v->negative ? 2 : 0);
  put_i64(objects, object, SIZE_FIELD, l->layout->int_tagged ? tagged : v->negative ? -count : count);
  put_at(objects, object + INT_DIGITS, v->digits, 4 * v->length);
  return object_finish(l, PYCDS_TYPE_INT, object);
}

static size_t emit_number(struct pycds_layouter *l, const struct pycds_value *v) {
  size_t bytes = v->kind == PYCDS_VALUE_FLOAT ? sizeof(double) : 2 * sizeof(double);
  size_t object = object_start(l, &l->block->objects, NUMBER_DATA + bytes, false);
  put_at(&l->block->objects, object + NUMBER_DATA, v->numbers, bytes);
  return object_finish(l, v->kind == PYCDS_VALUE_FLOAT ? PYCDS_TYPE_FLOAT : PYCDS_TYPE_COMPLEX, object);
}

static struct frozenset *frozensets(const struct pycds_layouter *l) {
  return (struct frozenset *)(void *)l->sets.bytes;
}

static size_t frozenset_count(const struct pycds_layouter *l) { return l->sets.length / sizeof(struct frozenset); }

/* Writes what `slot`, an object offset, must point to, as far as it can be known now. */
static void point(struct pycds_layouter *l, size_t slot, const struct pycds_value *to) {
  struct pycds_block *b = l->block;
  switch (to->place_kind) {
    case INTERNAL:
      put_i64(&b->objects, slot, 0, to->place);
      pycds_buffer_put32(&b->relocations, (uint32_t)slot);
      break;
    case STRING:
      pycds_buffer_put32(&b->string_slots, (uint32_t)slot);
      pycds_buffer_put32(&b->string_slots, to->place);
      break;
    case SYMBOL:
      pycds_buffer_put32(&b->symbol_slots, (uint32_t)slot);
      pycds_buffer_put32(&b->symbol_slots, to->place);
      break;
    case FROZENSET: pycds_buffer_put32(&frozensets(l)[to->place].slots, (uint32_t)slot); break;
    default: break; /* NOWHERE: memory ran out while it was placed, which any_failed reports */
  }
}

static size_t emit_tuple(struct pycds_layouter *l, const struct pycds_value *v) {
  struct pycds_buffer *objects = &l->block->objects;
  size_t items = (size_t)l->layout->tuple_items;
  size_t object = object_start(l, objects, items + 8 * v->length, true);
  put_i64(objects, object, SIZE_FIELD, (int64_t)v->length);
  if (items > HASH_FIELD) put_i64(objects, object, HASH_FIELD, -1);
  for (size_t i = 0; i < v->length; i++) point(l, object + items + 8 * i, v->items[i]);
  return object_finish(l, PYCDS_TYPE_TUPLE, object);
}

struct local_counts {
  int nlocals, nplaincellvars, ncellvars, nfreevars;
};

static struct local_counts count_locals(const struct pycds_value *kinds) {
  struct local_counts n = {0};
  for (size_t i = 0; i < kinds->length; i++) {
    uint8_t kind = kinds->bytes[i];
    if (kind & CO_FAST_LOCAL) {
      n.nlocals++;
      n.ncellvars += (kind & CO_FAST_CELL) != 0;
    } else if (kind & CO_FAST_CELL) {
      n.ncellvars++;
      n.nplaincellvars++;
    } else if (kind & CO_FAST_FREE) {
      n.nfreevars++;
    }
  }
  return n;
}

static size_t first_traceable(const struct pycds_value *bytecode, int resume) {
  size_t unit = 0, units = bytecode->length / 2;
  while (unit < units && bytecode->bytes[2 * unit] != resume) unit++;
  return unit;
}

static size_t emit_code(struct pycds_layouter *l, const struct pycds_value *v) {
  const struct pycds_layout *t = l->layout;
  const struct pycds_code *c = v->code;
  const struct pycds_value *bytecode = c->fields[PYCDS_CODE_CODE];
  const struct pycds_value *kinds = c->fields[PYCDS_CODE_LOCALSPLUSKINDS];
  struct pycds_buffer *o = &l->block->objects;
  size_t object = object_start(l, o, (size_t)t->code_bytes + bytecode->length, false);
  struct local_counts counts = count_locals(kinds);

  put_i64(o, object, SIZE_FIELD, (int64_t)(bytecode->length / 2));
  put_i32(o, object, t->code_flags, c->flags);
  put_i32(o, object, t->code_argcount, c->argcount);
  put_i32(o, object, t->code_posonlyargcount, c->posonlyargcount);
  put_i32(o, object, t->code_kwonlyargcount, c->kwonlyargcount);
  put_i32(o, object, t->code_stacksize, c->stacksize);
  put_i32(o, object, t->code_firstlineno, c->firstlineno);
  put_i32(o, object, t->code_nlocalsplus, (int64_t)kinds->length);
  put_i32(o, object, t->code_framesize, (int64_t)kinds->length + c->stacksize + t->frame_specials);
  put_i32(o, object, t->code_nlocals, counts.nlocals);
  put_i32(o, object, t->code_nplaincellvars, counts.nplaincellvars);
  put_i32(o, object, t->code_ncellvars, counts.ncellvars);
  put_i32(o, object, t->code_nfreevars, counts.nfreevars);
  if (t->code_version >= 0) put_i32(o, object, t->code_version, (int64_t)(*l->next_version)++);
  if (t->code_warmup >= 0) {
    int16_t warmup = (int16_t)t->warmup_start;
    put_at(o, object + (size_t)t->code_warmup, &warmup, sizeof warmup);
  }
  put_i32(o, object, t->code_firsttraceable, (int64_t)first_traceable(bytecode, t->resume_opcode));
  put_at(o, object + (size_t)t->code_bytes, c->seed, bytecode->length);

  const struct {
    int offset;
    enum pycds_code_field field;
  } references[] = {
      {t->code_consts, PYCDS_CODE_CONSTS},
      {t->code_names, PYCDS_CODE_NAMES},
      {t->code_exceptiontable, PYCDS_CODE_EXCEPTIONTABLE},
      {t->code_localsplusnames, PYCDS_CODE_LOCALSPLUSNAMES},
      {t->code_localspluskinds, PYCDS_CODE_LOCALSPLUSKINDS},
      {t->code_filename, PYCDS_CODE_FILENAME},
      {t->code_name, PYCDS_CODE_NAME},
      {t->code_qualname, PYCDS_CODE_QUALNAME},
      {t->code_linetable, PYCDS_CODE_LINETABLE},
  };
  for (size_t i = 0; i < sizeof references / sizeof *references; i++) {
    point(l, object + (size_t)references[i].offset, c->fields[references[i].field]);
  }
  l->block->code_objects++;
  return object_finish(l, PYCDS_TYPE_CODE, object);
}

/* ---- placing values, inner before outer ---- */

static void set_place(struct pycds_value *value, enum place kind, size_t number) {
  value->place_kind = kind;
  value->place = (uint32_t)number;
}

static void set_symbol(struct pycds_value *value, enum pycds_symbol symbol, uint32_t argument) {
  set_place(value, SYMBOL, (uint32_t)symbol << PYCDS_SYMBOL_SHIFT | argument);
}

static bool place_singleton_str(struct pycds_value *v) {
  if (v->length == 0) {
    set_symbol(v, PYCDS_SYMBOL_EMPTY_STR, 0);
  } else if (v->length == 1 && v->char_bytes == 1) {
    set_symbol(v, PYCDS_SYMBOL_LATIN1, *(const uint8_t *)v->chars | (v->interned ? PYCDS_LATIN1_INTERNED : 0));
  }
  return v->place_kind != NOWHERE;
}

static void place_interned(struct pycds_layouter *l, struct pycds_value *v) {
  uint32_t home = 0;
  bool added;
  uint32_t number = pycds_strings_number(l->strings, v, l->module, &home, &added);
  set_place(v, STRING, number);
  if (number == UINT32_MAX) {
    l->block->objects.failed = true;
  } else if (added) {
    size_t object = emit_str(l, &l->block->strings, v);
    pycds_buffer_put32(&l->block->string_offsets, (uint32_t)object);
    l->block->string_count++;
  } else if (home != l->module && l->needed_stamp[home] != l->module + 1) {
    l->needed_stamp[home] = l->module + 1;
    pycds_buffer_put32(&l->block->needed_blocks, home);
  }
}

static void place_str(struct pycds_layouter *l, struct pycds_value *v) {
  if (place_singleton_str(v)) return;
  if (v->interned) {
    place_interned(l, v);
  } else {
    set_place(v, INTERNAL, object_finish(l, PYCDS_TYPE_STR, emit_str(l, &l->block->objects, v)));
  }
}

static void place_int(struct pycds_layouter *l, struct pycds_value *v) {
  int64_t small = v->length == 0   ? 0
                  : v->length == 1 ? (v->negative ? -(int64_t)v->digits[0] : (int64_t)v->digits[0])
                                   : INT64_MAX;
  if (small >= -PYCDS_SMALL_INT_BIAS && small <= l->layout->small_int_max) {
    set_symbol(v, PYCDS_SYMBOL_SMALL_INT, (uint32_t)(small + PYCDS_SMALL_INT_BIAS));
  } else {
    set_place(v, INTERNAL, emit_int(l, v));
  }
}

static void place_tuple(struct pycds_layouter *l, struct pycds_value *v) {
  if (v->length == 0) {
    set_symbol(v, PYCDS_SYMBOL_EMPTY_TUPLE, 0);
    return;
  }
  for (size_t i = 0; i < v->length; i++) place(l, v->items[i]);
  set_place(v, INTERNAL, emit_tuple(l, v));
}

static void place_frozenset(struct pycds_layouter *l, struct pycds_value *v) {
  for (size_t i = 0; i < v->length; i++) place(l, v->items[i]);
  struct frozenset set = {.tuple = emit_tuple(l, v)};
  size_t number = frozenset_count(l);
  pycds_buffer_put(&l->sets, &set, sizeof set);
  if (!l->sets.failed) set_place(v, FROZENSET, number);
}

static void place_code(struct pycds_layouter *l, struct pycds_value *v) {
  for (int field = 0; field < PYCDS_CODE_FIELDS; field++) {
    if (field != PYCDS_CODE_CODE) place(l, v->code->fields[field]);
  }
  set_place(v, INTERNAL, emit_code(l, v));
}

static void place(struct pycds_layouter *l, struct pycds_value *v) {
  if (v->place_kind != NOWHERE || l->block->objects.failed) return;
  switch (v->kind) {
    case PYCDS_VALUE_NONE: set_symbol(v, PYCDS_SYMBOL_NONE, 0); break;
    case PYCDS_VALUE_TRUE: set_symbol(v, PYCDS_SYMBOL_TRUE, 0); break;
    case PYCDS_VALUE_FALSE: set_symbol(v, PYCDS_SYMBOL_FALSE, 0); break;
    case PYCDS_VALUE_ELLIPSIS: set_symbol(v, PYCDS_SYMBOL_ELLIPSIS, 0); break;
    case PYCDS_VALUE_INT: place_int(l, v); break;
    case PYCDS_VALUE_FLOAT:
    case PYCDS_VALUE_COMPLEX: set_place(v, INTERNAL, emit_number(l, v)); break;
    case PYCDS_VALUE_STR: place_str(l, v); break;
    case PYCDS_VALUE_BYTES:
      if (v->length == 0) {
        set_symbol(v, PYCDS_SYMBOL_EMPTY_BYTES, 0);
      } else {
        set_place(v, INTERNAL, emit_bytes(l, v));
      }
      break;
    case PYCDS_VALUE_TUPLE: place_tuple(l, v); break;
    case PYCDS_VALUE_FROZENSET: place_frozenset(l, v); break;
    case PYCDS_VALUE_CODE: place_code(l, v); break;
  }
}

static void finish_frozensets(struct pycds_layouter *l) {
  struct pycds_buffer *out = &l->block->frozensets;
  for (size_t i = 0; i < frozenset_count(l); i++) {
    struct frozenset *set = &frozensets(l)[i];
    pycds_buffer_put32(out, (uint32_t)set->tuple);
    pycds_buffer_put32(out, (uint32_t)(set->slots.length / 4));
    pycds_buffer_put(out, set->slots.bytes, set->slots.length);
    out->failed = out->failed || set->slots.failed;
    pycds_buffer_free(&set->slots);
  }
}

static bool any_failed(const struct pycds_layouter *l) {
  const struct pycds_block *b = l->block;
  bool failed = l->sets.failed || b->objects.failed || b->strings.failed || b->relocations.failed ||
                b->string_offsets.failed || b->string_slots.failed || b->symbol_slots.failed ||
                b->needed_blocks.failed || b->frozensets.failed;
  for (int type = 0; type < PYCDS_TYPE_COUNT; type++) failed = failed || b->types[type].failed;
  return failed;
}

const char *pycds_layout_module(struct pycds_layouter *l, struct pycds_value *root) {
  l->sets = (struct pycds_buffer){0};
  l->block->string_first = l->strings->count;
  place(l, root);
  finish_frozensets(l);
  bool failed = any_failed(l);
  pycds_buffer_free(&l->sets);
  l->block->code = root->place;
  pycds_buffer_align(&l->block->strings, PYCDS_ALIGN);
  pycds_buffer_align(&l->block->objects, PYCDS_ALIGN);
  if (failed || l->block->objects.failed || l->block->strings.failed) return "out of memory";
  if (l->block->objects.length > INT32_MAX) return "its code is too large";
  return NULL;
}

void pycds_block_free(struct pycds_block *b) {
  struct pycds_buffer *all[] = {&b->objects,      &b->strings,      &b->relocations,   &b->string_offsets,
                                &b->string_slots, &b->symbol_slots, &b->needed_blocks, &b->frozensets};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) pycds_buffer_free(all[i]);
  for (int type = 0; type < PYCDS_TYPE_COUNT; type++) pycds_buffer_free(&b->types[type]);
}
