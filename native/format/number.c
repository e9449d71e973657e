// SPDX-License-Identifier: Apache-2.0
#include "number.h"

#include <string.h>

/* CPython's Python/marshal.c: PyLong_MARSHAL_SHIFT. */
#define DIGIT_BITS 15

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Also the point of a float and anything that is not ASCII. */
static bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || (uint8_t)c >= 0x80;
}

static uint64_t value_of(const char *digits, size_t count) {
  uint64_t value = 0;
  for (size_t i = 0; i < count; i++) value = value * 10 + (uint64_t)(digits[i] - '0');
  return value;
}

bool pycds_number_find(const char *text, size_t bytes, struct pycds_number *out) {
  size_t start = 0, digits = 0;
  for (size_t at = 0; at < bytes;) {
    size_t end = at;
    while (end < bytes && is_digit(text[end])) end++;
    if (end - at >= PYCDS_NUMBER_MIN_DIGITS) {
      if (digits) return false;
      start = at;
      digits = end - at;
    }
    at = end + 1;
  }
  if (digits == 0 || digits > PYCDS_NUMBER_MAX_DIGITS || text[start] == '0') return false;
  if ((start > 0 && is_word(text[start - 1])) || (start + digits < bytes && is_word(text[start + digits])))
    return false;
  out->negative = start > 0 && text[start - 1] == '-';
  out->at = start - out->negative;
  out->width = digits + out->negative;
  out->magnitude = value_of(text + start, digits);
  return true;
}

struct pycds_number pycds_number_sample(size_t width, bool negative, char literal[PYCDS_NUMBER_MAX_WIDTH]) {
  memset(literal, '0', width);
  if (negative) literal[0] = '-';
  literal[negative] = '1';
  literal[width - 1] = '7';
  return (struct pycds_number){
      .width = width, .magnitude = value_of(literal + negative, width - negative), .negative = negative};
}

struct marshalled {
  size_t length;
  uint8_t bytes[PYCDS_NUMBER_MAX_BYTES]; /* as marshal writes them behind the type */
};

static struct marshalled marshal_number(uint64_t magnitude, bool negative) {
  struct marshalled out = {.length = 4};
  int32_t count = 0;
  for (uint64_t rest = magnitude; rest; rest >>= DIGIT_BITS) {
    out.bytes[out.length++] = rest & 0xff;
    out.bytes[out.length++] = rest >> 8 & 0x7f;
    count++;
  }
  if (negative) count = -count;
  for (int i = 0; i < 4; i++) out.bytes[i] = (uint8_t)((uint32_t)count >> 8 * i);
  return out;
}

/* A number itself, and the magnitude of a negative one. */
struct forms {
  size_t count;
  struct marshalled forms[2];
};

static struct forms forms_of(const struct pycds_number *number) {
  struct forms out = {.count = 1, .forms = {marshal_number(number->magnitude, number->negative)}};
  if (number->negative) out.forms[out.count++] = marshal_number(number->magnitude, false);
  return out;
}

size_t pycds_number_replace(const uint8_t *code, size_t bytes, const struct pycds_number *from,
                            const struct pycds_number *to, uint8_t *out) {
  if (from->negative != to->negative) return 0;
  const struct forms old = forms_of(from), new = forms_of(to);
  bool seen[2] = {false, false};
  size_t length = 0;
  for (size_t at = 0; at < bytes;) {
    size_t form = 0;
    for (; form < old.count; form++) {
      const struct marshalled *one = &old.forms[form];
      if (code[at] == one->bytes[0] && bytes - at >= one->length && memcmp(code + at, one->bytes, one->length) == 0)
        break;
    }
    if (form == old.count) {
      out[length++] = code[at++];
      continue;
    }
    if (seen[form]) return 0;
    seen[form] = true;
    memcpy(out + length, new.forms[form].bytes, new.forms[form].length);
    length += new.forms[form].length;
    at += old.forms[form].length;
  }
  return seen[0] ? length : 0;
}
