// SPDX-License-Identifier: Apache-2.0
// Texts and numbers without a C library: for code that runs while there is none.
#ifndef PYCDS_STATIC_TEXT_H
#define PYCDS_STATIC_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline size_t text_length(const char *text) {
  size_t length = 0;
  while (text[length]) length++;
  return length;
}

static inline bool text_is(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

static inline bool text_begins(const char *text, const char *start) {
  while (*start && *text == *start) text++, start++;
  return !*start;
}

/* Reads digits and moves `at` behind them. */
static inline uint64_t text_hex(const char **at) {
  uint64_t value = 0;
  for (;; (*at)++) {
    char c = **at;
    if (c >= '0' && c <= '9')
      value = value * 16 + (uint64_t)(c - '0');
    else if (c >= 'a' && c <= 'f')
      value = value * 16 + (uint64_t)(c - 'a') + 10;
    else
      return value;
  }
}

static inline uint64_t text_decimal(const char **at) {
  uint64_t value = 0;
  for (; **at >= '0' && **at <= '9'; (*at)++) value = value * 10 + (uint64_t)(**at - '0');
  return value;
}

#define TEXT_DECIMAL_BYTES 24

/* The digits of a number, ended by NUL, somewhere in the caller's memory. */
static inline const char *text_of_decimal(char digits[TEXT_DECIMAL_BYTES], uint64_t value) {
  char *at = digits + TEXT_DECIMAL_BYTES - 1;
  *at = 0;
  do *--at = (char)('0' + value % 10);
  while ((value /= 10) > 0);
  return at;
}

#define TEXT_HEX_DIGITS 16

/* All hexadecimal digits of a number, with zeros in front, not ended by NUL. Returns what is behind them. */
static inline char *text_put_hex(char *at, uint64_t value) {
  for (int shift = 60; shift >= 0; shift -= 4) *at++ = "0123456789abcdef"[value >> shift & 15];
  return at;
}

#endif
