// SPDX-License-Identifier: Apache-2.0
#include "canonical.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"

/* ---- interning, as Objects/codeobject.c does when it creates a code object ---- */

static bool is_identifier_like(const struct pycds_value *value) {
  if (!value->ascii) return false;
  const uint8_t *c = value->chars;
  for (size_t i = 0; i < value->length; i++) {
    bool name_char =
        (c[i] >= 'a' && c[i] <= 'z') || (c[i] >= 'A' && c[i] <= 'Z') || (c[i] >= '0' && c[i] <= '9') || c[i] == '_';
    if (!name_char) return false;
  }
  return true;
}

static bool has_items(const struct pycds_value *v) {
  return v->kind == PYCDS_VALUE_TUPLE || v->kind == PYCDS_VALUE_FROZENSET || v->kind == PYCDS_VALUE_SLICE;
}

static void intern_all(struct pycds_value *tuple) {
  if (!tuple) return;
  for (size_t i = 0; i < tuple->length; i++) tuple->items[i]->interned = 1;
}

static void intern_constants(struct pycds_value *sequence) {
  if (sequence->visited) return;
  sequence->visited = true;
  for (size_t i = 0; i < sequence->length; i++) {
    struct pycds_value *item = sequence->items[i];
    if (item->kind == PYCDS_VALUE_STR && is_identifier_like(item)) item->interned = 1;
    /* Not inside slices. */
    if (item->kind == PYCDS_VALUE_TUPLE || item->kind == PYCDS_VALUE_FROZENSET) intern_constants(item);
  }
}

/* Where the inline bytes of code objects come from. */
struct seeds {
  const uint8_t *next, *end; /* recorded ones; end is NULL: there are none */
  const struct pycds_fresh *fresh;
  struct pycds_arena *arena;
};

static const char *find_seed(struct seeds *seeds, struct pycds_code *code) {
  const struct pycds_value *bytecode = code->fields[PYCDS_CODE_CODE];
  code->seed = bytecode->bytes;
  if (seeds->end) {
    if ((size_t)(seeds->end - seeds->next) < bytecode->length) return "its recorded bytecode does not fit its code";
    code->seed = seeds->next;
    seeds->next += bytecode->length;
  } else if (seeds->fresh) {
    uint8_t *made = pycds_arena_alloc(seeds->arena, bytecode->length);
    if (!made) return "out of memory";
    if (!pycds_fresh_make(seeds->fresh, bytecode->bytes, bytecode->length, made))
      return "it has an instruction that was in no sample";
    code->seed = made;
  }
  return NULL;
}

static const char *prepare_code(struct pycds_value *value, struct seeds *seeds) {
  if (value->visited) return NULL;
  value->visited = true;
  struct pycds_code *code = value->code;
  const char *error = find_seed(seeds, code);
  if (error) return error;
  intern_all(code->fields[PYCDS_CODE_NAMES]);
  static const enum pycds_code_field variables[] = {PYCDS_CODE_VARNAMES, PYCDS_CODE_FREEVARS, PYCDS_CODE_CELLVARS,
                                                    PYCDS_CODE_LOCALSPLUSNAMES};
  for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) intern_all(code->fields[variables[i]]);
  struct pycds_value *consts = code->fields[PYCDS_CODE_CONSTS];
  intern_constants(consts);
  for (size_t i = 0; i < consts->length; i++) {
    if (consts->items[i]->kind != PYCDS_VALUE_CODE) continue;
    error = prepare_code(consts->items[i], seeds);
    if (error) return error;
  }
  return NULL;
}

/* ---- uniting equal constants ---- */

static size_t payload_bytes(const struct pycds_value *v) {
  switch (v->kind) {
    case PYCDS_VALUE_INT: return v->length * sizeof(uint32_t);
    case PYCDS_VALUE_FLOAT: return sizeof(double);
    case PYCDS_VALUE_COMPLEX: return 2 * sizeof(double);
    case PYCDS_VALUE_STR: return v->length * v->char_bytes;
    case PYCDS_VALUE_BYTES:
    case PYCDS_VALUE_RAW: return v->length;
    case PYCDS_VALUE_TUPLE:
    case PYCDS_VALUE_FROZENSET:
    case PYCDS_VALUE_SLICE: return v->length * sizeof(struct pycds_value *);
    default: return 0;
  }
}

static const void *payload(const struct pycds_value *v) {
  return v->kind == PYCDS_VALUE_FLOAT || v->kind == PYCDS_VALUE_COMPLEX ? (const void *)v->numbers
                                                                        : (const void *)v->bytes;
}

static bool is_same(const struct pycds_value *a, const struct pycds_value *b) {
  size_t bytes = payload_bytes(a);
  return a->kind == b->kind && a->length == b->length && a->char_bytes == b->char_bytes && a->interned == b->interned &&
         a->negative == b->negative && (bytes == 0 || memcmp(payload(a), payload(b), bytes) == 0);
}

static uint64_t hash_value(const struct pycds_value *v) {
  size_t bytes = payload_bytes(v);
  uint64_t hash = bytes ? pycds_hash(payload(v), bytes) : 0;
  return (hash ^ (v->kind * 2u + v->interned)) * UINT64_C(0x9E3779B97F4A7C15);
}

static bool grow(struct pycds_constants *t) {
  size_t capacity = t->capacity ? t->capacity * 2 : 1024;
  struct pycds_value **slots = pycds_arena_alloc(t->arena, capacity * sizeof *slots);
  if (!slots) return false;
  for (size_t i = 0; i < t->capacity; i++) {
    if (!t->slots[i]) continue;
    size_t at = hash_value(t->slots[i]) & (capacity - 1);
    while (slots[at]) at = (at + 1) & (capacity - 1);
    slots[at] = t->slots[i];
  }
  t->slots = slots;
  t->capacity = capacity;
  return true;
}

static struct pycds_value *find_or_add(struct pycds_constants *t, struct pycds_value *value) {
  if (t->used * 2 >= t->capacity && !grow(t)) return value;
  size_t at = hash_value(value) & (t->capacity - 1);
  for (struct pycds_value *known; (known = t->slots[at]); at = (at + 1) & (t->capacity - 1)) {
    if (!is_same(known, value)) continue;
    if (known->first_unit != t->unit + 1) known->shared = true;
    return known;
  }
  value->first_unit = t->unit + 1;
  t->slots[at] = value;
  t->used++;
  return value;
}

/* A total order over values that depends on nothing but their contents. */
static int compare_values(const struct pycds_value *a, const struct pycds_value *b) {
  if (a == b) return 0;
  if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
  if (a->length != b->length) return a->length < b->length ? -1 : 1;
  if (a->char_bytes != b->char_bytes) return a->char_bytes < b->char_bytes ? -1 : 1;
  if (a->negative != b->negative) return a->negative < b->negative ? -1 : 1;
  if (has_items(a)) {
    for (size_t i = 0; i < a->length; i++) {
      int order = compare_values(a->items[i], b->items[i]);
      if (order) return order;
    }
    return 0;
  }
  size_t bytes = payload_bytes(a);
  return bytes ? memcmp(payload(a), payload(b), bytes) : 0;
}

static int compare_items(const void *a, const void *b) {
  return compare_values(*(struct pycds_value *const *)a, *(struct pycds_value *const *)b);
}

/* code.co_flags */
#define CO_VARARGS 0x04
#define CO_VARKEYWORDS 0x08

/* CPython before 3.11 keeps, for each cell variable, the argument that it is, or -1; and
 * nothing where no cell is an argument. The names are canonical: equal is identical. */
static struct pycds_value *map_cells(struct pycds_constants *t, const struct pycds_code *code) {
  const struct pycds_value *cells = code->fields[PYCDS_CODE_CELLVARS], *names = code->fields[PYCDS_CODE_VARNAMES];
  size_t arguments = (size_t)code->argcount + (size_t)code->kwonlyargcount + ((code->flags & CO_VARARGS) != 0) +
                     ((code->flags & CO_VARKEYWORDS) != 0);
  struct pycds_value *map = cells->length ? pycds_arena_alloc(t->arena, sizeof *map) : NULL;
  int64_t *numbers = map ? pycds_arena_alloc(t->arena, cells->length * sizeof *numbers) : NULL;
  bool used = false;
  for (size_t i = 0; numbers && i < cells->length; i++) {
    numbers[i] = -1;
    for (size_t j = 0; j < arguments && j < names->length && numbers[i] < 0; j++) {
      if (names->items[j] == cells->items[i]) numbers[i] = (int64_t)j;
    }
    used = used || numbers[i] >= 0;
  }
  if (!used) return NULL;
  *map = (struct pycds_value){
      .kind = PYCDS_VALUE_RAW, .length = cells->length * sizeof *numbers, .bytes = (const uint8_t *)numbers};
  map->canonical = find_or_add(t, map);
  return map->canonical;
}

static struct pycds_value *unite(struct pycds_constants *t, struct pycds_value *value) {
  if (value->canonical) return value->canonical;
  if (value->kind == PYCDS_VALUE_CODE) {
    value->canonical = value;
    for (int field = 0; field < PYCDS_CODE_FIELDS; field++) {
      if (value->code->fields[field]) value->code->fields[field] = unite(t, value->code->fields[field]);
    }
    if (value->code->fields[PYCDS_CODE_CELLVARS]) value->code->fields[PYCDS_CODE_CELL2ARG] = map_cells(t, value->code);
    return value;
  }
  if (has_items(value)) {
    for (size_t i = 0; i < value->length; i++) value->items[i] = unite(t, value->items[i]);
    if (value->kind == PYCDS_VALUE_FROZENSET && value->length > 1) {
      qsort(value->items, value->length, sizeof *value->items, compare_items);
    }
  }
  struct pycds_value *canonical = find_or_add(t, value);
  value->canonical = canonical;
  canonical->canonical = canonical;
  return canonical;
}

const char *pycds_canonicalise(struct pycds_constants *constants, struct pycds_value *root, const uint8_t *seeds,
                               size_t seeds_bytes, const struct pycds_fresh *fresh) {
  if (root->kind != PYCDS_VALUE_CODE) return "it is not a code object";
  struct seeds from = {
      .next = seeds,
      .end = seeds_bytes ? seeds + seeds_bytes : NULL,
      .fresh = fresh,
      .arena = constants->arena,
  };
  const char *error = prepare_code(root, &from);
  if (!error && from.end && from.next != from.end) error = "its recorded bytecode does not fit its code";
  if (error) return error;
  unite(constants, root);
  constants->unit++;
  return constants->arena->failed ? "out of memory" : NULL;
}
