// SPDX-License-Identifier: Apache-2.0
// Makes the objects that a stream describes, one behind the other in the arena, as this
// CPython would have made them itself. The arena comes zeroed: what is not written is 0.
// It is never released: finalisation still writes into archived objects.
#include "objects.h"

#include <stdlib.h>
#include <string.h>

#include "../../format/assert.h"
#include "../../format/hash.h"

/* Blocks whose constants need those of other blocks nest no deeper than this. */
#define MAX_NESTING 16u

struct maker {
  struct archive *archive;
  const struct pycds_object_layout *layout;
  struct pycds_cursor cursor;
  PyObject **objects;      /* of this stream by number */
  PyObject *const *shared; /* shared constants by number */
  uint32_t shared_count;
  uint32_t index;   /* of the object being made */
  uint32_t version; /* co_version of the next code object */
};

static bool make_shared(struct archive *a, uint32_t number);
static bool make_single(struct archive *a, uint32_t number, const struct pycds_record *r, uint32_t constant);
static bool is_asked_for_few(struct archive *a, uint32_t number, const struct pycds_record *r);

/* ---- references ---- */

/* Number of the record whose block makes shared constant `constant`. */
static uint32_t home_of(struct archive *a, uint32_t constant) {
  PYCDS_ASSERT(constant < a->header.shared_count);
  uint32_t low = 0, high = a->header.unit_count;
  while (high - low > 1) {
    uint32_t middle = low + (high - low) / 2;
    struct pycds_record record;
    if (!archive_record(a, middle, &record)) return PYCDS_NO_RECORD;
    if (record.shared_first <= constant)
      low = middle;
    else
      high = middle;
  }
  return low;
}

/* Out of line: hardly ever needed, and its frame would be set up for every reference. */
__attribute__((noinline)) static PyObject *find_shared(struct archive *a, uint32_t constant) {
  struct pycds_record r;
  archive_read_records(a);
  uint32_t home = home_of(a, constant);
  if (home == PYCDS_NO_RECORD || a->nesting > MAX_NESTING || !archive_record(a, home, &r)) return NULL;
  a->nesting++;
  bool made = true;
  if (a->nesting < MAX_NESTING && (a->nesting > 1 || is_asked_for_few(a, home, &r))) {
    made = make_single(a, home, &r, constant);
  } else {
    /* Constants only need those of earlier blocks: in order, nothing nests. */
    for (uint32_t number = a->nesting < MAX_NESTING ? home : 0; number <= home && made; number++) {
      made = make_shared(a, number);
    }
  }
  a->nesting--;
  return made ? a->shared[constant] : NULL;
}

/* What is not made yet, or nothing: of a shared part that is not made in order it may be an object of the same one. */
__attribute__((noinline)) static PyObject *find_missing(struct maker *m, uint32_t number, bool shared) {
  struct archive *a = m->archive;
  if (shared) return find_shared(a, number);
  if (m->objects == a->locals) return NULL;
  return find_shared(a, (uint32_t)(m->objects - a->shared) + m->index - number);
}

/* What references count from, held in registers while many of them are taken: [0] is for objects of the
 * same stream, counted backwards, [1] for shared constants. */
struct references {
  struct pycds_cursor cursor;
  PyObject *const *from[2];
  uint32_t limit[2];
};

static inline struct references references_of(const struct maker *m) {
  return (struct references){m->cursor, {m->objects + m->index, m->shared}, {m->index + 1, m->shared_count}};
}

/* Sets *out to what a reference means, which is NULL for a null pointer; false when it means
 * nothing. Without branches on the kind of reference, which nothing could predict. */
static inline bool take_reference(struct maker *m, struct references *r, PyObject **out) {
  uint32_t word;
  if (!pycds_take_varint(&r->cursor, &word)) return false;
  uint32_t number = word >> 1, shared = word & 1;
  if (number >= r->limit[shared]) return false;
  int64_t backwards = (int64_t)shared - 1; /* -1 negates in two's complement, 0 leaves as it is */
  *out = r->from[shared][((int64_t)number ^ backwards) - backwards];
  if (*out || word == 0) return true;
  *out = find_missing(m, number, shared);
  return *out != NULL;
}

/* Puts the objects of `count` references into the memory at `items`. */
static bool take_objects(struct maker *m, uint8_t *items, uint32_t count) {
  struct references r = references_of(m);
  for (uint32_t i = 0; i < count; i++) {
    PyObject *item;
    if (!take_reference(m, &r, &item) || !item) return false;
    memcpy(items + 8 * (size_t)i, &item, sizeof item);
  }
  m->cursor = r.cursor;
  return true;
}

/* ---- objects ---- */

static uint8_t *take_memory(struct archive *a, size_t bytes) {
  size_t rounded = (bytes + PYCDS_ALIGN - 1) & ~(size_t)(PYCDS_ALIGN - 1);
  if (rounded < bytes || rounded > a->arena_bytes - a->arena_used) return NULL;
  uint8_t *memory = a->arena + a->arena_used;
  a->arena_used += rounded;
  PYCDS_ASSERT((uintptr_t)memory % PYCDS_ALIGN == 0 && a->arena_used <= a->arena_bytes);
  return memory;
}

static void put64(uint8_t *object, size_t offset, int64_t value) { memcpy(object + offset, &value, sizeof value); }

static void put_pointer(uint8_t *object, size_t offset, const void *to) { memcpy(object + offset, &to, sizeof to); }

static uint8_t *new_object(struct maker *m, PyTypeObject *type, size_t bytes) {
  uint8_t *object = take_memory(m->archive, bytes);
  if (!object) return NULL;
  memcpy(object, &m->layout->refcount, sizeof m->layout->refcount);
  put_pointer(object, sizeof m->layout->refcount, type);
  return object;
}

static uint8_t *new_container(struct maker *m, PyTypeObject *type, size_t bytes) {
  return take_memory(m->archive, PYCDS_GC_HEAD) ? new_object(m, type, bytes) : NULL;
}

/* Up to 3.11 a str says where its characters lie as wchar_t, and how many they are. Of one whose characters are as wide
 * they are its own: CPython takes that for granted, and would read them as narrower ones where nothing is said. */
#define STR_WCHARS (PYCDS_STR_STATE + 8)
static void put_wchars(uint8_t *object, const struct pycds_object_layout *t, uint32_t length) {
  if (t->str_ascii_header <= STR_WCHARS) return;
  put_pointer(object, STR_WCHARS, object + t->str_header);
  put64(object, t->str_header - 8u, length); /* the last field */
}

static uint8_t *make_str(struct maker *m, uint32_t length, uint32_t width, bool ascii) {
  size_t header = ascii ? m->layout->str_ascii_header : m->layout->str_header;
  size_t bytes = (size_t)length * width;
  const uint8_t *characters = pycds_take_bytes(&m->cursor, bytes);
  uint8_t *object = characters ? new_object(m, &PyUnicode_Type, header + bytes + width) : NULL;
  if (!object) return NULL;
  uint32_t state = width << 2 | 1u << 5 | (uint32_t)ascii << 6 | m->layout->str_state;
  put64(object, PYCDS_OBJECT_SIZE, length);
  put64(object, PYCDS_OBJECT_HASH, -1);
  memcpy(object + PYCDS_STR_STATE, &state, sizeof state);
  memcpy(object + header, characters, bytes);
  if (width == sizeof(wchar_t)) put_wchars(object, m->layout, length);
  return object;
}

/* The interpreter's own object where it has that string already: the memory is taken back. */
static uint8_t *intern(struct maker *m, uint8_t *object) {
  if (!object) return NULL;
  PyObject *string = (PyObject *)(void *)object;
  PyUnicode_InternInPlace(&string);
  if (string != (PyObject *)(void *)object) {
    struct archive *a = m->archive;
    PYCDS_ASSERT(object >= a->arena && object < a->arena + a->arena_used); /* the last one made */
    memset(object, 0, (size_t)(a->arena + a->arena_used - object));
    a->arena_used = (size_t)(object - a->arena);
  }
  return (uint8_t *)string;
}

static uint8_t *make_text(struct maker *m, uint32_t length) {
  const uint8_t *kind = pycds_take_bytes(&m->cursor, 1);
  uint32_t width = kind ? pycds_text_width(*kind) : 0;
  if (!width) return NULL;
  uint8_t *object = make_str(m, length, width, *kind & PYCDS_TEXT_ASCII);
  return *kind & PYCDS_TEXT_INTERNED ? intern(m, object) : object;
}

static uint8_t *make_bytes(struct maker *m, uint32_t length) {
  const uint8_t *bytes = pycds_take_bytes(&m->cursor, length);
  uint8_t *object = bytes ? new_object(m, &PyBytes_Type, PYCDS_BYTES_DATA + (size_t)length + 1) : NULL;
  if (!object) return NULL;
  put64(object, PYCDS_OBJECT_SIZE, length);
  put64(object, PYCDS_OBJECT_HASH, -1);
  memcpy(object + PYCDS_BYTES_DATA, bytes, length);
  return object;
}

static uint8_t *make_int(struct maker *m, uint32_t count) {
  uint32_t size;
  if (!pycds_take_varint(&m->cursor, &size) || !pycds_is_int(count, size, m->archive->header.hexversion)) return NULL;
  const uint8_t *digits = pycds_take_bytes(&m->cursor, 4 * (size_t)count);
  uint8_t *object = digits ? new_object(m, &PyLong_Type, PYCDS_INT_DIGITS + 4 * (size_t)count) : NULL;
  if (!object) return NULL;
  put64(object, PYCDS_OBJECT_SIZE, (int64_t)(size >> 1) ^ -(int64_t)(size & 1));
  memcpy(object + PYCDS_INT_DIGITS, digits, 4 * (size_t)count);
  return object;
}

static uint8_t *make_number(struct maker *m, uint32_t count) {
  if (!pycds_is_number(count)) return NULL;
  const uint8_t *numbers = pycds_take_bytes(&m->cursor, count * sizeof(double));
  PyTypeObject *type = count == 1 ? &PyFloat_Type : &PyComplex_Type;
  uint8_t *object = numbers ? new_object(m, type, PYCDS_NUMBER_DATA + count * sizeof(double)) : NULL;
  if (object) memcpy(object + PYCDS_NUMBER_DATA, numbers, count * sizeof(double));
  return object;
}

static uint8_t *make_tuple(struct maker *m, uint32_t count) {
  size_t items = m->layout->tuple_items;
  uint8_t *object = new_container(m, &PyTuple_Type, items + 8 * (size_t)count);
  if (!object) return NULL;
  put64(object, PYCDS_OBJECT_SIZE, count);
  if (items > PYCDS_OBJECT_HASH) put64(object, PYCDS_OBJECT_HASH, -1);
  return take_objects(m, object + items, count) ? object : NULL;
}

static uint8_t *make_slice(struct maker *m) {
  uint8_t *object = new_container(m, &PySlice_Type, PYCDS_SLICE_BYTES);
  return object && take_objects(m, object + PYCDS_OBJECT_HEADER, 3) ? object : NULL;
}

static uint8_t *make_code(struct maker *m) {
  const struct pycds_object_layout *t = m->layout;
  uint32_t bytes, value;
  if (!pycds_take_varint(&m->cursor, &bytes)) return NULL;
  uint8_t *object = new_object(m, &PyCode_Type, t->code_bytes + (size_t)bytes);
  if (!object) return NULL;
  if (t->code_inline) put64(object, PYCDS_OBJECT_SIZE, bytes / 2);
  struct references r = references_of(m);
  for (unsigned i = 0; i < t->code_int_count; i++) {
    if (!pycds_take_varint(&r.cursor, &value)) return NULL;
    PYCDS_ASSERT(t->code_ints[i] + sizeof value <= t->code_bytes);
    memcpy(object + t->code_ints[i], &value, sizeof value);
  }
  if (t->code_version) memcpy(object + t->code_version, &m->version, sizeof m->version);
  if (t->code_warmup) memcpy(object + t->code_warmup, &t->code_warmup_start, sizeof t->code_warmup_start);
  m->version++;
  for (unsigned i = 0; i < t->code_pointer_count; i++) {
    PyObject *to;
    if (!take_reference(m, &r, &to)) return NULL;
    PYCDS_ASSERT(t->code_pointers[i] + sizeof to <= t->code_bytes);
    put_pointer(object, t->code_pointers[i], to);
  }
  m->cursor = r.cursor;
  const uint8_t *bytecode = pycds_take_bytes(&m->cursor, bytes);
  if (!bytecode) return NULL;
  memcpy(object + t->code_bytes, bytecode, bytes);
  return object;
}

static uint8_t *make_raw(struct maker *m, uint32_t length) {
  const uint8_t *bytes = pycds_take_bytes(&m->cursor, length);
  uint8_t *memory = bytes ? take_memory(m->archive, length) : NULL;
  if (memory) memcpy(memory, bytes, length);
  return memory;
}

static PyObject *make_symbol(struct maker *m, uint32_t symbol) {
  uint32_t value;
  PyObject *string;
  if (!pycds_take_varint(&m->cursor, &value)) return NULL;
  switch (symbol) {
    case PYCDS_SYMBOL_NONE: return &_Py_NoneStruct;
    case PYCDS_SYMBOL_TRUE: return &_Py_TrueStruct;
    case PYCDS_SYMBOL_FALSE: return &_Py_FalseStruct;
    case PYCDS_SYMBOL_ELLIPSIS: return &_Py_EllipsisObject;
    case PYCDS_SYMBOL_EMPTY_TUPLE: return PyTuple_New(0);
    case PYCDS_SYMBOL_EMPTY_BYTES: return PyBytes_FromStringAndSize(NULL, 0);
    case PYCDS_SYMBOL_EMPTY_STR: return PyUnicode_FromStringAndSize(NULL, 0);
    case PYCDS_SYMBOL_SMALL_INT: return PyLong_FromLong((long)value - PYCDS_SMALL_INT_BIAS);
    case PYCDS_SYMBOL_LATIN1: return PyUnicode_FromOrdinal((int)(value & 0xff));
    case PYCDS_SYMBOL_NAME_LATIN1:
      string = PyUnicode_FromOrdinal((int)(value & 0xff));
      if (string) PyUnicode_InternInPlace(&string);
      return string;
    default: return NULL;
  }
}

static PyObject *make_frozenset(struct maker *m) {
  PyObject *items;
  return take_objects(m, (uint8_t *)&items, 1) ? PyFrozenSet_New(items) : NULL;
}

static PyObject *make_object(struct maker *m) {
  uint8_t op, *object = NULL;
  uint32_t count;
  if (!pycds_take_op(&m->cursor, &op, &count)) return NULL;
  switch (op) {
    case PYCDS_OP_NAME: object = intern(m, make_str(m, count, 1, true)); break;
    case PYCDS_OP_ASCII: object = make_str(m, count, 1, true); break;
    case PYCDS_OP_TEXT: object = make_text(m, count); break;
    case PYCDS_OP_BYTES: object = make_bytes(m, count); break;
    case PYCDS_OP_INT: object = make_int(m, count); break;
    case PYCDS_OP_NUMBER: object = make_number(m, count); break;
    case PYCDS_OP_TUPLE: object = make_tuple(m, count); break;
    case PYCDS_OP_CODE: object = make_code(m); break;
    case PYCDS_OP_SLICE: object = make_slice(m); break;
    case PYCDS_OP_RAW: object = make_raw(m, count); break;
    case PYCDS_OP_SYMBOL: return make_symbol(m, count);
    case PYCDS_OP_FROZENSET: return make_frozenset(m);
    default: break;
  }
  return (PyObject *)(void *)object;
}

static bool make_stream(struct maker *m, uint32_t count) {
  m->shared = m->archive->shared;
  m->shared_count = m->archive->header.shared_count;
  for (m->index = 0; m->index < count; m->index++) {
    m->objects[m->index] = NULL; /* what a null pointer refers to */
    PyObject *object = make_object(m);
    if (!object) return false;
    m->objects[m->index] = object;
  }
  return true;
}

/* ---- shared constants ---- */

/* In the place of a number of constants that were made one by one: all are there. */
#define ALL UINT16_MAX
/* Of a block of which more than one in so many are asked for all are made: that costs less than finding them one by one, and a
 * program that imports in another order wants them all in the end. One that imports few modules, as an application has beside
 * the libraries that a snapshot has made ready, wants a name here and a name there. */
#define FEW_OF 8u

struct block {
  struct block *next;
  uint32_t number;   /* of the record */
  uint8_t *bytes;    /* the shared part */
  uint32_t *offsets; /* where the operation of each constant begins */
};

static void close_block(struct block *block) {
  free(block->bytes);
  free(block->offsets);
  free(block);
}

static bool read_block(const struct archive *a, struct block *block, const struct pycds_record *r) {
  block->bytes = malloc(r->shared_bytes);
  block->offsets = calloc(r->shared_count, sizeof *block->offsets);
  if (!block->bytes || !block->offsets || !archive_read(a, r->block, block->bytes, r->shared_bytes) ||
      pycds_block_hash(block->bytes, r->shared_bytes) != r->shared_hash)
    return false;
  struct pycds_stream_walk walk = {.cursor = {block->bytes, block->bytes + r->shared_bytes},
                                   .layout = &a->layout,
                                   .hexversion = a->header.hexversion,
                                   .shared_limit = r->shared_first};
  for (; walk.index < r->shared_count; walk.index++, walk.shared_limit++) {
    uint8_t op;
    block->offsets[walk.index] = (uint32_t)(walk.cursor.at - block->bytes);
    if (!pycds_stream_skip(&walk, &op)) return false;
  }
  return true;
}

/* It stays open for the unit that is being made. */
static const struct block *open_block(struct archive *a, uint32_t number, const struct pycds_record *r) {
  for (const struct block *known = a->open; known; known = known->next) {
    if (known->number == number) return known;
  }
  struct block *block = calloc(1, sizeof *block);
  if (!block) return NULL;
  if (!read_block(a, block, r)) {
    close_block(block);
    return NULL;
  }
  block->number = number;
  block->next = a->open;
  return a->open = block;
}

static void close_blocks(struct archive *a) {
  while (a->open) {
    struct block *block = a->open;
    a->open = block->next;
    close_block(block);
  }
}

static bool is_asked_for_few(struct archive *a, uint32_t number, const struct pycds_record *r) {
  return a->asked[number] < r->shared_count / FEW_OF && a->asked[number] < ALL - 1;
}

static bool make_single(struct archive *a, uint32_t number, const struct pycds_record *r, uint32_t constant) {
  PYCDS_ASSERT(constant >= r->shared_first && constant - r->shared_first < r->shared_count);
  const struct block *block = open_block(a, number, r);
  if (!block) return false;
  uint32_t index = constant - r->shared_first;
  struct maker m = {.archive = a,
                    .layout = &a->layout,
                    .cursor = {block->bytes + block->offsets[index], block->bytes + r->shared_bytes},
                    .objects = a->shared + r->shared_first,
                    .shared = a->shared,
                    .shared_count = a->header.shared_count,
                    .index = index};
  PyObject *object = make_object(&m);
  /* One that came to be meanwhile is what others refer to. */
  if (object && !a->shared[constant]) a->shared[constant] = object;
  if (a->asked[number] < ALL - 1) a->asked[number]++;
  return object != NULL;
}

static bool make_rest(struct archive *a, uint32_t number, const struct pycds_record *r) {
  bool made = true;
  for (uint32_t i = 0; made && i < r->shared_count; i++)
    made = a->shared[r->shared_first + i] || make_single(a, number, r, r->shared_first + i);
  return made;
}

/* All of a block. Its objects refer to each other by where they are, so what is there already stays what it is. */
static bool make_constants(struct archive *a, uint32_t number, const struct pycds_record *r, const uint8_t *bytes) {
  PYCDS_ASSERT((uint64_t)r->shared_first + r->shared_count <= a->header.shared_count);
  bool made;
  if (a->asked[number] > 0) {
    made = make_rest(a, number, r);
  } else {
    struct maker m = {.archive = a,
                      .layout = &a->layout,
                      .cursor = {bytes, bytes + r->shared_bytes},
                      .objects = a->shared + r->shared_first};
    made = pycds_block_hash(bytes, r->shared_bytes) == r->shared_hash && make_stream(&m, r->shared_count);
  }
  if (made) a->asked[number] = ALL;
  return made;
}

static bool has_constants(const struct archive *a, uint32_t number, const struct pycds_record *r) {
  return r->shared_count == 0 || a->asked[number] == ALL;
}

/* The constants of a block of which nothing else is needed yet. */
static bool make_shared(struct archive *a, uint32_t number) {
  struct pycds_record r;
  if (!archive_record(a, number, &r)) return false;
  if (has_constants(a, number, &r)) return true;
  uint8_t *bytes = malloc(r.shared_bytes);
  bool made = bytes && archive_read(a, r.block, bytes, r.shared_bytes) && make_constants(a, number, &r, bytes);
  free(bytes);
  return made;
}

/* ---- units ---- */

static PyObject **locals_for(struct archive *a, uint32_t count) {
  if (a->locals_capacity < count) {
    free(a->locals);
    a->locals_capacity = 0;
    a->locals = malloc(2 * (size_t)count * sizeof(PyObject *));
    if (a->locals) a->locals_capacity = 2 * (size_t)count;
  }
  return a->locals;
}

static PyObject *make_unit(struct archive *a, const struct found *f) {
  uint32_t count = f->unit.header->objects;
  const uint8_t *shared = (const uint8_t *)f->unit.header - f->record.shared_bytes;
  if (!has_constants(a, f->number, &f->record) && !make_constants(a, f->number, &f->record, shared)) return NULL;
  PyObject **locals = count > 0 ? locals_for(a, count) : NULL;
  if (!locals) return NULL;
  struct maker m = {.archive = a,
                    .layout = &a->layout,
                    .cursor = f->unit.stream,
                    .objects = locals,
                    .version = f->unit.header->first_version};
  return make_stream(&m, count) ? locals[count - 1] : NULL;
}

PyObject *objects_code(struct archive *a, const struct found *f) {
  PYCDS_ASSERT(f->number < a->header.unit_count);
  if (!a->codes[f->number]) {
    if (a->making || f->generation != a->generation) return NULL;
    a->making = true;
    a->codes[f->number] = make_unit(a, f);
    close_blocks(a);
    a->making = false;
    PyErr_Clear();
  }
  return a->codes[f->number];
}
