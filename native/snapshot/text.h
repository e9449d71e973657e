// SPDX-License-Identifier: Apache-2.0
// Texts and numbers without a C library: for code that runs while there is none.
#ifndef PYCDS_SNAPSHOT_TEXT_H
#define PYCDS_SNAPSHOT_TEXT_H

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

#endif
