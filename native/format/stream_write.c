// SPDX-License-Identifier: Apache-2.0
#include "stream_write.h"

#include <string.h>

#include "assert.h"
#include "stream.h"

/* placed_unit of a constant whose place is its shared number. */
#define PLACED_SHARED UINT32_MAX

/* fast-local kinds, CPython's pycore_code.h */
#define CO_FAST_LOCAL 0x20
#define CO_FAST_CELL 0x40
#define CO_FAST_FREE 0x80

static void place(struct pycds_encoder *e, struct pycds_value *value);

/* ---- the layout ---- */

struct code_ints {
  int offset;
  int64_t value;
};

struct local_counts {
  int nlocals, nplaincellvars, ncellvars, nfreevars;
};

/* `kinds` is NULL before 3.11, where the code says itself what is counted here. */
static struct local_counts count_locals(const struct pycds_code *code, const struct pycds_value *kinds) {
  struct local_counts n = {0};
  if (!kinds) n.nlocals = code->nlocals;
  for (size_t i = 0; kinds && i < kinds->length; i++) {
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

/* The argument of RESUME where 3.15 starts a generator expression: what comes before it is
 * made is not traced. */
#define RESUME_AT_GEN_EXPR_START 4

static size_t first_traceable(const struct pycds_layout *t, const struct pycds_value *bytecode) {
  const uint8_t *p = bytecode->bytes;
  size_t unit = 0, units = bytecode->length / 2;
  for (; unit < units; unit++, p += 2) {
    if (p[0] == t->resume_opcode && (t->minor < 15 || p[1] != RESUME_AT_GEN_EXPR_START)) break;
  }
  return unit;
}

/* The integers of a code object that the layout has, with the values of `c` (NULL: only the
 * offsets). Returns how many there are. */
static int code_ints(const struct pycds_layout *t, const struct pycds_code *c,
                     struct code_ints out[PYCDS_MAX_CODE_INTS]) {
  static const struct pycds_value nothing = {0};
  static const struct pycds_code no_code = {0};
  const struct pycds_value *kinds = c ? c->fields[PYCDS_CODE_LOCALSPLUSKINDS] : &nothing;
  const struct pycds_value *bytecode = c ? c->fields[PYCDS_CODE_CODE] : &nothing;
  if (!c) c = &no_code;
  struct local_counts n = count_locals(c, kinds);
  if (!kinds) kinds = &nothing;
  const struct code_ints all[] = {
      {t->code_flags, c->flags},
      {t->code_argcount, c->argcount},
      {t->code_posonlyargcount, c->posonlyargcount},
      {t->code_kwonlyargcount, c->kwonlyargcount},
      {t->code_stacksize, c->stacksize},
      {t->code_firstlineno, c->firstlineno},
      {t->code_nlocalsplus, (int64_t)kinds->length},
      {t->code_framesize, (int64_t)kinds->length + c->stacksize + t->frame_specials},
      {t->code_nlocals, n.nlocals},
      {t->code_nplaincellvars, n.nplaincellvars},
      {t->code_ncellvars, n.ncellvars},
      {t->code_nfreevars, n.nfreevars},
      {t->code_firsttraceable, (int64_t)first_traceable(t, bytecode)},
  };
  int count = 0;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (all[i].offset >= 0) out[count++] = all[i];
  }
  PYCDS_ASSERT(count <= PYCDS_MAX_CODE_INTS);
  return count;
}

struct code_pointer {
  int offset;
  enum pycds_code_field field;
};

static int code_pointers(const struct pycds_layout *t, struct code_pointer out[PYCDS_MAX_CODE_POINTERS]) {
  const struct code_pointer all[] = {
      {t->code_consts, PYCDS_CODE_CONSTS},
      {t->code_names, PYCDS_CODE_NAMES},
      {t->code_exceptiontable, PYCDS_CODE_EXCEPTIONTABLE},
      {t->code_localsplusnames, PYCDS_CODE_LOCALSPLUSNAMES},
      {t->code_localspluskinds, PYCDS_CODE_LOCALSPLUSKINDS},
      {t->code_filename, PYCDS_CODE_FILENAME},
      {t->code_name, PYCDS_CODE_NAME},
      {t->code_qualname, PYCDS_CODE_QUALNAME},
      {t->code_linetable, PYCDS_CODE_LINETABLE},
      {t->code_code, PYCDS_CODE_CODE},
      {t->code_varnames, PYCDS_CODE_VARNAMES},
      {t->code_freevars, PYCDS_CODE_FREEVARS},
      {t->code_cellvars, PYCDS_CODE_CELLVARS},
      {t->code_cell2arg, PYCDS_CODE_CELL2ARG},
  };
  int count = 0;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (all[i].offset >= 0) out[count++] = all[i];
  }
  PYCDS_ASSERT(count <= PYCDS_MAX_CODE_POINTERS);
  return count;
}

struct pycds_object_layout pycds_object_layout(const struct pycds_layout *t) {
  struct code_ints ints[PYCDS_MAX_CODE_INTS];
  struct code_pointer pointers[PYCDS_MAX_CODE_POINTERS];
  struct pycds_object_layout out = {
      .refcount = t->refcount,
      .code_bytes = PYCDS_NARROW(uint16_t, t->code_bytes),
      .code_inline = t->code_code < 0,
      .str_state = PYCDS_NARROW(uint8_t, t->str_state),
      .str_ascii_header = PYCDS_NARROW(uint16_t, t->str_ascii_header),
      .str_header = PYCDS_NARROW(uint16_t, t->str_header),
      .tuple_items = PYCDS_NARROW(uint16_t, t->tuple_items),
      .code_version = PYCDS_NARROW(uint16_t, t->code_version < 0 ? 0 : t->code_version),
      .code_warmup = PYCDS_NARROW(uint16_t, t->code_warmup < 0 ? 0 : t->code_warmup),
      .code_warmup_start = (int16_t)t->warmup_start,
      .code_int_count = PYCDS_NARROW(uint16_t, code_ints(t, NULL, ints)),
      .code_pointer_count = PYCDS_NARROW(uint16_t, code_pointers(t, pointers)),
  };
  for (int i = 0; i < out.code_int_count; i++) out.code_ints[i] = PYCDS_NARROW(uint16_t, ints[i].offset);
  for (int i = 0; i < out.code_pointer_count; i++) out.code_pointers[i] = PYCDS_NARROW(uint16_t, pointers[i].offset);
  return out;
}

/* ---- operations ---- */

static void put_byte(struct pycds_stream *s, uint32_t byte) {
  uint8_t narrow = PYCDS_NARROW(uint8_t, byte);
  pycds_buffer_put(&s->bytes, &narrow, 1);
}

static void put_varint(struct pycds_stream *s, uint32_t value) { pycds_buffer_put_varint(&s->bytes, value); }

static void put_op(struct pycds_stream *s, enum pycds_op op, size_t count) {
  uint32_t narrow = pycds_buffer_narrow(&s->bytes, count);
  put_byte(s, (uint32_t)op | (narrow < 15 ? narrow : 15) << 4);
  if (narrow >= 15) put_varint(s, narrow - 15);
}

static void put_reference(struct pycds_stream *s, const struct pycds_value *to) {
  if (!to) {
    put_varint(s, 0);
    return;
  }
  PYCDS_ASSERT(to->placed_unit != 0); /* described before */
  PYCDS_ASSERT(to->placed_unit == PLACED_SHARED || to->place < s->objects);
  put_varint(s, to->placed_unit == PLACED_SHARED ? 2 * to->place + 1 : 2 * (s->objects - to->place));
}

/* The stream of a value, and the memory that it will take. */
static struct pycds_stream *begin(struct pycds_encoder *e, const struct pycds_value *value, size_t bytes) {
  e->arena_bytes += (bytes + PYCDS_ALIGN - 1) & ~(uint64_t)(PYCDS_ALIGN - 1);
  return value->shared ? &e->block->shared : &e->block->own;
}

static void end(struct pycds_encoder *e, struct pycds_stream *s, struct pycds_value *value) {
  PYCDS_ASSERT(value->placed_unit != PLACED_SHARED && value->placed_unit != e->unit + 1); /* once */
  PYCDS_ASSERT(s == (value->shared ? &e->block->shared : &e->block->own));
  if (s == &e->block->shared) {
    value->placed_unit = PLACED_SHARED;
    value->place = e->shared_count++;
  } else {
    value->placed_unit = e->unit + 1;
    value->place = s->objects;
  }
  s->objects++;
}

static void put_symbol(struct pycds_encoder *e, struct pycds_value *v, enum pycds_symbol symbol, uint32_t value) {
  struct pycds_stream *s = begin(e, v, 0);
  put_op(s, PYCDS_OP_SYMBOL, symbol);
  put_varint(s, value);
  end(e, s, v);
}

static void put_str(struct pycds_encoder *e, struct pycds_value *v) {
  size_t header = (size_t)(v->ascii ? e->layout->str_ascii_header : e->layout->str_header);
  size_t bytes = v->length * v->char_bytes;
  if (v->length == 0) {
    put_symbol(e, v, PYCDS_SYMBOL_EMPTY_STR, 0);
    return;
  }
  if (v->length == 1 && v->char_bytes == 1) {
    put_symbol(e, v, v->interned ? PYCDS_SYMBOL_NAME_LATIN1 : PYCDS_SYMBOL_LATIN1, *(const uint8_t *)v->chars);
    return;
  }
  struct pycds_stream *s = begin(e, v, header + bytes + v->char_bytes);
  if (v->ascii) {
    put_op(s, v->interned ? PYCDS_OP_NAME : PYCDS_OP_ASCII, v->length);
  } else {
    put_op(s, PYCDS_OP_TEXT, v->length);
    put_byte(s, v->char_bytes | (v->interned ? PYCDS_TEXT_INTERNED : 0));
  }
  pycds_buffer_put(&s->bytes, v->chars, bytes);
  end(e, s, v);
}

static void put_bytes(struct pycds_encoder *e, struct pycds_value *v) {
  if (v->length == 0) {
    put_symbol(e, v, PYCDS_SYMBOL_EMPTY_BYTES, 0);
    return;
  }
  struct pycds_stream *s = begin(e, v, PYCDS_BYTES_DATA + v->length + 1);
  put_op(s, PYCDS_OP_BYTES, v->length);
  pycds_buffer_put(&s->bytes, v->bytes, v->length);
  end(e, s, v);
}

static void put_int(struct pycds_encoder *e, struct pycds_value *v) {
  int64_t small = v->length == 0   ? 0
                  : v->length == 1 ? (v->negative ? -(int64_t)v->digits[0] : (int64_t)v->digits[0])
                                   : INT64_MAX;
  if (small >= -PYCDS_SMALL_INT_BIAS && small <= e->layout->small_int_max) {
    put_symbol(e, v, PYCDS_SYMBOL_SMALL_INT, PYCDS_NARROW(uint32_t, small + PYCDS_SMALL_INT_BIAS));
    return;
  }
  struct pycds_stream *s = begin(e, v, PYCDS_INT_DIGITS + 4 * v->length);
  size_t said = e->layout->int_tagged ? v->length << 3 | (v->negative ? 2 : 0) : v->length;
  put_op(s, PYCDS_OP_INT, v->length);
  put_varint(s, pycds_buffer_narrow(&s->bytes, 2 * said) - (!e->layout->int_tagged && v->negative));
  pycds_buffer_put(&s->bytes, v->digits, 4 * v->length);
  end(e, s, v);
}

static void put_number(struct pycds_encoder *e, struct pycds_value *v) {
  size_t count = v->kind == PYCDS_VALUE_FLOAT ? 1 : 2;
  struct pycds_stream *s = begin(e, v, PYCDS_NUMBER_DATA + count * sizeof(double));
  put_op(s, PYCDS_OP_NUMBER, count);
  pycds_buffer_put(&s->bytes, v->numbers, count * sizeof(double));
  end(e, s, v);
}

static void put_raw(struct pycds_encoder *e, struct pycds_value *v) {
  struct pycds_stream *s = begin(e, v, v->length);
  put_op(s, PYCDS_OP_RAW, v->length);
  pycds_buffer_put(&s->bytes, v->bytes, v->length);
  end(e, s, v);
}

static void put_slice(struct pycds_encoder *e, struct pycds_value *v) {
  for (size_t i = 0; i < v->length; i++) place(e, v->items[i]);
  struct pycds_stream *s = begin(e, v, PYCDS_GC_HEAD + PYCDS_SLICE_BYTES);
  put_op(s, PYCDS_OP_SLICE, 0);
  for (size_t i = 0; i < v->length; i++) put_reference(s, v->items[i]);
  end(e, s, v);
}

static void put_tuple(struct pycds_encoder *e, struct pycds_value *v) {
  struct pycds_stream *s = begin(e, v, PYCDS_GC_HEAD + (size_t)e->layout->tuple_items + 8 * v->length);
  put_op(s, PYCDS_OP_TUPLE, v->length);
  for (size_t i = 0; i < v->length; i++) put_reference(s, v->items[i]);
  end(e, s, v);
}

static void put_items(struct pycds_encoder *e, struct pycds_value *v) {
  if (v->kind == PYCDS_VALUE_TUPLE && v->length == 0) {
    put_symbol(e, v, PYCDS_SYMBOL_EMPTY_TUPLE, 0);
    return;
  }
  for (size_t i = 0; i < v->length; i++) place(e, v->items[i]);
  if (v->kind == PYCDS_VALUE_TUPLE) {
    put_tuple(e, v);
    return;
  }
  /* Its order depends on the hash seed, so it is built at load, from a tuple in front of it. */
  struct pycds_value tuple = *v;
  put_tuple(e, &tuple);
  struct pycds_stream *s = begin(e, v, 0);
  put_op(s, PYCDS_OP_FROZENSET, 0);
  put_reference(s, &tuple);
  end(e, s, v);
}

static void put_code(struct pycds_encoder *e, struct pycds_value *v) {
  const struct pycds_code *c = v->code;
  const struct pycds_value *bytecode = c->fields[PYCDS_CODE_CODE];
  struct code_ints ints[PYCDS_MAX_CODE_INTS];
  struct code_pointer pointers[PYCDS_MAX_CODE_POINTERS];
  int int_count = code_ints(e->layout, c, ints), pointer_count = code_pointers(e->layout, pointers);

  size_t inline_bytes = e->layout->code_code < 0 ? bytecode->length : 0;

  for (int i = 0; i < pointer_count; i++) {
    if (c->fields[pointers[i].field]) place(e, c->fields[pointers[i].field]);
  }
  struct pycds_stream *s = begin(e, v, (size_t)e->layout->code_bytes + inline_bytes);
  put_op(s, PYCDS_OP_CODE, 0);
  put_varint(s, pycds_buffer_narrow(&s->bytes, inline_bytes));
  /* In two's complement, as the runtime writes it. */
  for (int i = 0; i < int_count; i++) put_varint(s, (uint32_t)ints[i].value);
  for (int i = 0; i < pointer_count; i++) put_reference(s, c->fields[pointers[i].field]);
  pycds_buffer_put(&s->bytes, c->seed, inline_bytes);
  end(e, s, v);
  e->block->code_objects++;
  e->next_version++;
}

/* Describes a value unless that is done, inner before outer. */
static void place(struct pycds_encoder *e, struct pycds_value *v) {
  if (v->placed_unit == PLACED_SHARED || v->placed_unit == e->unit + 1) return;
  switch (v->kind) {
    case PYCDS_VALUE_NONE: put_symbol(e, v, PYCDS_SYMBOL_NONE, 0); break;
    case PYCDS_VALUE_TRUE: put_symbol(e, v, PYCDS_SYMBOL_TRUE, 0); break;
    case PYCDS_VALUE_FALSE: put_symbol(e, v, PYCDS_SYMBOL_FALSE, 0); break;
    case PYCDS_VALUE_ELLIPSIS: put_symbol(e, v, PYCDS_SYMBOL_ELLIPSIS, 0); break;
    case PYCDS_VALUE_INT: put_int(e, v); break;
    case PYCDS_VALUE_FLOAT:
    case PYCDS_VALUE_COMPLEX: put_number(e, v); break;
    case PYCDS_VALUE_STR: put_str(e, v); break;
    case PYCDS_VALUE_BYTES: put_bytes(e, v); break;
    case PYCDS_VALUE_TUPLE:
    case PYCDS_VALUE_FROZENSET: put_items(e, v); break;
    case PYCDS_VALUE_SLICE: put_slice(e, v); break;
    case PYCDS_VALUE_RAW: put_raw(e, v); break;
    case PYCDS_VALUE_CODE: put_code(e, v); break;
  }
}

const char *pycds_encode_unit(struct pycds_encoder *e, struct pycds_value *root) {
  e->block->first_version = e->next_version;
  place(e, root);
  const char *error = pycds_buffer_error(&e->block->shared.bytes);
  return error ? error : pycds_buffer_error(&e->block->own.bytes);
}

void pycds_block_free(struct pycds_block *block) {
  pycds_buffer_free(&block->shared.bytes);
  pycds_buffer_free(&block->own.bytes);
}
