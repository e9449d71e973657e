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

struct pycds_number pycds_number_sample(size_t width, char literal[PYCDS_NUMBER_MAX_WIDTH]) {
  memset(literal, '0', width);
  literal[0] = '1';
  literal[width - 1] = '7';
  return (struct pycds_number){.width = width, .magnitude = value_of(literal, width)};
}

/* As marshal writes it behind the type; returns the length. */
static size_t write_number(const struct pycds_number *number, uint8_t out[PYCDS_NUMBER_MAX_BYTES]) {
  size_t length = 4;
  int32_t count = 0;
  for (uint64_t rest = number->magnitude; rest; rest >>= DIGIT_BITS) {
    out[length++] = rest & 0xff;
    out[length++] = rest >> 8 & 0x7f;
    count++;
  }
  if (number->negative) count = -count;
  for (int i = 0; i < 4; i++) out[i] = (uint8_t)((uint32_t)count >> 8 * i);
  return length;
}

static const uint8_t *search(const uint8_t *in, const uint8_t *end, const uint8_t *what, size_t length) {
  for (; (size_t)(end - in) >= length; in++) {
    if (*in == *what && memcmp(in, what, length) == 0) return in;
  }
  return NULL;
}

size_t pycds_number_replace(const uint8_t *code, size_t bytes, const struct pycds_number *from,
                            const struct pycds_number *to, uint8_t *out) {
  uint8_t old[PYCDS_NUMBER_MAX_BYTES], new[PYCDS_NUMBER_MAX_BYTES];
  size_t old_length = write_number(from, old), new_length = write_number(to, new);
  const uint8_t *end = code + bytes, *at = search(code, end, old, old_length);
  if (!at || search(at + 1, end, old, old_length)) return 0;
  size_t before = (size_t)(at - code), after = bytes - before - old_length;
  memcpy(out, code, before);
  memcpy(out + before, new, new_length);
  memcpy(out + before + new_length, at + old_length, after);
  return before + new_length + after;
}
