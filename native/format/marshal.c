// SPDX-License-Identifier: Apache-2.0
#include "marshal.h"

#include <string.h>

#include "assert.h"

/* CPython's own limit (MAX_MARSHAL_STACK_DEPTH). */
#define MAX_DEPTH 2000
#define FLAG_REF 0x80

struct decoder {
  struct pycds_arena *arena;
  const struct pycds_layout *layout;
  const uint8_t *p, *end;
  struct pycds_value **refs;
  size_t ref_count, ref_capacity;
  int depth;
  const char *error;
};

static struct pycds_value *decode(struct decoder *d);

static void *fail(struct decoder *d, const char *why) {
  if (!d->error) d->error = why;
  return NULL;
}

static void *alloc(struct decoder *d, size_t bytes) {
  void *result = pycds_arena_alloc(d->arena, bytes);
  return result ? result : fail(d, "out of memory");
}

static struct pycds_value *new_value(struct decoder *d, enum pycds_value_kind kind) {
  struct pycds_value *value = alloc(d, sizeof *value);
  if (value) value->kind = PYCDS_NARROW(uint8_t, kind);
  return value;
}

static const uint8_t *take(struct decoder *d, size_t bytes) {
  if ((size_t)(d->end - d->p) < bytes) return fail(d, "the marshalled code is cut off");
  const uint8_t *at = d->p;
  d->p += bytes;
  return at;
}

static int32_t take32(struct decoder *d) {
  const uint8_t *at = take(d, 4);
  int32_t value = 0;
  if (at) memcpy(&value, at, 4);
  return value;
}

/* A length or count that cannot exceed what is left, so that damage allocates nothing big. */
static size_t take_count(struct decoder *d) {
  int32_t count = take32(d);
  if (count < 0 || (size_t)count > (size_t)(d->end - d->p)) {
    fail(d, "the marshalled code is damaged");
    return 0;
  }
  return (size_t)count;
}

static size_t reserve_ref(struct decoder *d) {
  if (d->ref_count == d->ref_capacity) {
    size_t capacity = d->ref_capacity ? d->ref_capacity * 2 : 256;
    struct pycds_value **refs = alloc(d, capacity * sizeof *refs);
    if (!refs) return 0;
    if (d->ref_count) memcpy(refs, d->refs, d->ref_count * sizeof *refs);
    d->refs = refs;
    d->ref_capacity = capacity;
  }
  d->refs[d->ref_count] = NULL;
  return d->ref_count++;
}

static struct pycds_value *decode_small_int(struct decoder *d) {
  int64_t number = take32(d);
  struct pycds_value *value = new_value(d, PYCDS_VALUE_INT);
  uint32_t *digits = value ? alloc(d, 2 * sizeof *digits) : NULL;
  if (!digits) return NULL;
  value->negative = number < 0;
  uint64_t magnitude = number < 0 ? (uint64_t)-number : (uint64_t)number;
  for (; magnitude; magnitude >>= 30) digits[value->length++] = (uint32_t)(magnitude & 0x3fffffff);
  value->digits = digits;
  return value;
}

/* 15-bit digits in the file, 30-bit digits in the object. */
static struct pycds_value *decode_long_int(struct decoder *d) {
  int32_t signed_count = take32(d);
  uint32_t count = signed_count < 0 ? 0u - (uint32_t)signed_count : (uint32_t)signed_count;
  const uint8_t *at = count > INT32_MAX / 2 ? fail(d, "the marshalled code is damaged") : take(d, (size_t)count * 2);
  struct pycds_value *value = at ? new_value(d, PYCDS_VALUE_INT) : NULL;
  uint32_t *digits = value ? alloc(d, (count / 2 + 1) * sizeof *digits) : NULL;
  if (!digits) return NULL;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t digit = (uint32_t)(at[2 * i] | at[2 * i + 1] << 8);
    if (digit > 0x7fff) return fail(d, "the marshalled code is damaged");
    digits[i / 2] |= digit << (i % 2 ? 15 : 0);
  }
  value->negative = signed_count < 0;
  value->length = (count + 1) / 2;
  while (value->length > 0 && digits[value->length - 1] == 0) value->length--;
  value->digits = digits;
  return value;
}

static struct pycds_value *decode_float(struct decoder *d, enum pycds_value_kind kind) {
  size_t count = kind == PYCDS_VALUE_COMPLEX ? 2 : 1;
  const uint8_t *at = take(d, 8 * count);
  struct pycds_value *value = at ? new_value(d, kind) : NULL;
  if (value) memcpy(value->numbers, at, 8 * count);
  return value;
}

static struct pycds_value *decode_ascii(struct decoder *d, size_t length, bool interned) {
  const uint8_t *at = take(d, length);
  struct pycds_value *value = at ? new_value(d, PYCDS_VALUE_STR) : NULL;
  if (!value) return NULL;
  for (size_t i = 0; i < length; i++) {
    if (at[i] > 127) return fail(d, "the marshalled code is damaged");
  }
  void *chars = alloc(d, length);
  if (!chars) return NULL;
  memcpy(chars, at, length);
  value->char_bytes = 1;
  value->ascii = 1;
  value->interned = interned;
  value->length = length;
  value->chars = chars;
  return value;
}

/* Reads one code point of UTF-8 in which lone surrogates are allowed ("surrogatepass").
 * Returns its length in bytes, 0 for anything else. */
static size_t decode_code_point(const uint8_t *p, size_t rest, uint32_t *code) {
  size_t length = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
  if (length == 0 || length > rest) return 0;
  static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  static const uint32_t minima[] = {0, 0, 0x80, 0x800, 0x10000};
  *code = p[0] & masks[length];
  for (size_t i = 1; i < length; i++) {
    if ((p[i] & 0xc0) != 0x80) return 0;
    *code = *code << 6 | (p[i] & 0x3f);
  }
  return *code < minima[length] || *code > 0x10ffff ? 0 : length;
}

static struct pycds_value *decode_unicode(struct decoder *d, bool interned) {
  size_t length = take_count(d);
  const uint8_t *at = take(d, length);
  struct pycds_value *value = at ? new_value(d, PYCDS_VALUE_STR) : NULL;
  if (!value) return NULL;
  uint32_t maximum = 0, code = 0;
  size_t count = 0;
  for (size_t i = 0, step; i < length; i += step, count++) {
    step = decode_code_point(at + i, length - i, &code);
    if (!step) return fail(d, "the marshalled code is damaged");
    if (code > maximum) maximum = code;
  }
  value->char_bytes = maximum < 0x100 ? 1 : maximum < 0x10000 ? 2 : 4;
  value->ascii = maximum < 0x80;
  value->interned = interned;
  value->length = count;
  value->chars = alloc(d, count * value->char_bytes);
  if (!value->chars) return NULL;
  for (size_t i = 0, n = 0; i < length; n++) {
    i += decode_code_point(at + i, length - i, &code);
    if (value->char_bytes == 1) {
      ((uint8_t *)value->chars)[n] = PYCDS_NARROW(uint8_t, code);
    } else if (value->char_bytes == 2) {
      ((uint16_t *)value->chars)[n] = PYCDS_NARROW(uint16_t, code);
    } else {
      ((uint32_t *)value->chars)[n] = code;
    }
  }
  return value;
}

static struct pycds_value *decode_bytes(struct decoder *d) {
  size_t length = take_count(d);
  const uint8_t *at = take(d, length);
  struct pycds_value *value = at ? new_value(d, PYCDS_VALUE_BYTES) : NULL;
  if (!value) return NULL;
  value->length = length;
  value->bytes = at;
  return value;
}

static struct pycds_value *decode_items(struct decoder *d, enum pycds_value_kind kind, size_t count) {
  struct pycds_value *value = new_value(d, kind);
  if (!value) return NULL;
  value->items = alloc(d, count * sizeof *value->items);
  for (; value->items && value->length < count; value->length++) {
    value->items[value->length] = decode(d);
    if (!value->items[value->length]) return NULL;
  }
  return value->items ? value : NULL;
}

static bool has_kind(const struct pycds_value *value, enum pycds_value_kind kind) {
  return value && value->kind == kind;
}

static bool all_strings(const struct pycds_value *tuple) {
  if (!has_kind(tuple, PYCDS_VALUE_TUPLE)) return false;
  for (size_t i = 0; i < tuple->length; i++) {
    if (!has_kind(tuple->items[i], PYCDS_VALUE_STR)) return false;
  }
  return true;
}

/* What each field must hold for the layouts to be right. */
static bool code_is_sound(const struct pycds_code *code, bool old) {
  struct pycds_value *const *f = code->fields;
  bool sound = has_kind(f[PYCDS_CODE_CODE], PYCDS_VALUE_BYTES) && f[PYCDS_CODE_CODE]->length % 2 == 0 &&
               f[PYCDS_CODE_CODE]->length > 0 && has_kind(f[PYCDS_CODE_CONSTS], PYCDS_VALUE_TUPLE) &&
               all_strings(f[PYCDS_CODE_NAMES]) && has_kind(f[PYCDS_CODE_FILENAME], PYCDS_VALUE_STR) &&
               has_kind(f[PYCDS_CODE_NAME], PYCDS_VALUE_STR) && has_kind(f[PYCDS_CODE_LINETABLE], PYCDS_VALUE_BYTES) &&
               code->argcount >= 0 && code->posonlyargcount >= 0 && code->kwonlyargcount >= 0 && code->stacksize >= 0;
  if (old) {
    return sound && code->nlocals >= 0 && all_strings(f[PYCDS_CODE_VARNAMES]) && all_strings(f[PYCDS_CODE_FREEVARS]) &&
           all_strings(f[PYCDS_CODE_CELLVARS]);
  }
  return sound && all_strings(f[PYCDS_CODE_LOCALSPLUSNAMES]) &&
         has_kind(f[PYCDS_CODE_LOCALSPLUSKINDS], PYCDS_VALUE_BYTES) &&
         f[PYCDS_CODE_LOCALSPLUSKINDS]->length == f[PYCDS_CODE_LOCALSPLUSNAMES]->length &&
         has_kind(f[PYCDS_CODE_QUALNAME], PYCDS_VALUE_STR) && has_kind(f[PYCDS_CODE_EXCEPTIONTABLE], PYCDS_VALUE_BYTES);
}

/* The order of fields is that of w_complex_object in CPython's Python/marshal.c. */
static struct pycds_value *decode_code(struct decoder *d) {
  static const enum pycds_code_field new_fields[] = {
      PYCDS_CODE_CODE,
      PYCDS_CODE_CONSTS,
      PYCDS_CODE_NAMES,
      PYCDS_CODE_LOCALSPLUSNAMES,
      PYCDS_CODE_LOCALSPLUSKINDS,
      PYCDS_CODE_FILENAME,
      PYCDS_CODE_NAME,
      PYCDS_CODE_QUALNAME,
  };
  static const enum pycds_code_field old_fields[] = {
      PYCDS_CODE_CODE,     PYCDS_CODE_CONSTS,   PYCDS_CODE_NAMES,    PYCDS_CODE_VARNAMES,
      PYCDS_CODE_FREEVARS, PYCDS_CODE_CELLVARS, PYCDS_CODE_FILENAME, PYCDS_CODE_NAME,
  };
  bool old = d->layout->code_code >= 0;
  struct pycds_value *value = new_value(d, PYCDS_VALUE_CODE);
  struct pycds_code *code = value ? alloc(d, sizeof *code) : NULL;
  if (!code) return NULL;
  value->code = code;
  code->argcount = take32(d);
  code->posonlyargcount = take32(d);
  code->kwonlyargcount = take32(d);
  if (old) code->nlocals = take32(d);
  code->stacksize = take32(d);
  code->flags = take32(d);
  for (size_t i = 0; i < sizeof new_fields / sizeof *new_fields; i++) {
    enum pycds_code_field field = old ? old_fields[i] : new_fields[i];
    if (d->error || !(code->fields[field] = decode(d))) return NULL;
  }
  code->firstlineno = take32(d);
  if (d->error || !(code->fields[PYCDS_CODE_LINETABLE] = decode(d))) return NULL;
  if (!old && !(code->fields[PYCDS_CODE_EXCEPTIONTABLE] = decode(d))) return NULL;
  return code_is_sound(code, old) ? value : fail(d, "the marshalled code is damaged");
}
static struct pycds_value *decode_ref(struct decoder *d) {
  int32_t number = take32(d);
  if (d->error || number < 0 || (size_t)number >= d->ref_count || !d->refs[number]) {
    return fail(d, "the marshalled code is damaged");
  }
  return d->refs[number];
}

static struct pycds_value *decode_typed(struct decoder *d, int type) {
  const uint8_t *length;
  switch (type) {
    case 'N': return new_value(d, PYCDS_VALUE_NONE);
    case 'T': return new_value(d, PYCDS_VALUE_TRUE);
    case 'F': return new_value(d, PYCDS_VALUE_FALSE);
    case '.': return new_value(d, PYCDS_VALUE_ELLIPSIS);
    case 'i': return decode_small_int(d);
    case 'l': return decode_long_int(d);
    case 'g': return decode_float(d, PYCDS_VALUE_FLOAT);
    case 'y': return decode_float(d, PYCDS_VALUE_COMPLEX);
    case 'a':
    case 'A': return decode_ascii(d, take_count(d), type == 'A');
    case 'z':
    case 'Z': return (length = take(d, 1)) ? decode_ascii(d, *length, type == 'Z') : NULL;
    case 'u':
    case 't': return decode_unicode(d, type == 't');
    case 's': return decode_bytes(d);
    case ')': return (length = take(d, 1)) ? decode_items(d, PYCDS_VALUE_TUPLE, *length) : NULL;
    case '(': return decode_items(d, PYCDS_VALUE_TUPLE, take_count(d));
    case '>': return decode_items(d, PYCDS_VALUE_FROZENSET, take_count(d));
    case ':': return decode_items(d, PYCDS_VALUE_SLICE, 3);
    case 'c': return decode_code(d);
    case 'r': return decode_ref(d);
    default: return fail(d, "it has a constant of a kind that cannot be archived");
  }
}

static struct pycds_value *decode(struct decoder *d) {
  const uint8_t *type = take(d, 1);
  if (!type) return NULL;
  if (d->depth >= MAX_DEPTH) return fail(d, "its constants are nested too deeply");
  bool ref = *type & FLAG_REF;
  size_t number = ref ? reserve_ref(d) : 0;
  d->depth++;
  struct pycds_value *value = decode_typed(d, *type & ~FLAG_REF);
  d->depth--;
  if (value && ref && !d->error) d->refs[number] = value;
  return d->error ? NULL : value;
}

struct pycds_value *pycds_marshal_decode(struct pycds_arena *arena, const struct pycds_layout *layout,
                                         const uint8_t *bytes, size_t length, const char **error) {
  struct decoder d = {.arena = arena, .layout = layout, .p = bytes, .end = bytes + length};
  struct pycds_value *value = decode(&d);
  if (value && d.p != d.end) value = fail(&d, "the marshalled code has bytes left over");
  *error = d.error;
  return value;
}
