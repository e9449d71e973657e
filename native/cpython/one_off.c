// SPDX-License-Identifier: Apache-2.0
#include "one_off.h"

#include <string.h>

#include "../format/places.h"

/* d: a digit; h: a hexadecimal one; v: that of an UUID's variant; -: may be there; all others: themselves. */
static const char *const FORMS[] = {
    "ddddddddddddddd",                      /* a hash */
    "0xhhhhhhhhh",                          /* an address */
    "hhhhhhhh-hhhh-4hhh-vhhh-hhhhhhhhhhhh", /* a random UUID */
};

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_hex(char c) { return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }

static bool fits(char form, char c) {
  switch (form) {
    case 'd': return is_digit(c);
    case 'h': return is_hex(c);
    case 'v': return c == '8' || c == '9' || (c | 0x20) == 'a' || (c | 0x20) == 'b';
    case 'x': return (c | 0x20) == 'x';
    default: return c == form;
  }
}

static bool begins_with(const char *at, const char *end, const char *form) {
  for (; *form; form++) {
    if (at < end && fits(*form, *at))
      at++;
    else if (*form != '-')
      return false;
  }
  return true;
}

bool one_off_text(const char *text, size_t bytes) {
  const char *end = text + bytes;
  for (const char *at = text; at < end; at++) {
    if (!is_hex(*at)) continue;
    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++) {
      if (begins_with(at, end, FORMS[i])) return true;
    }
  }
  return false;
}

bool one_off_question(const struct source_question *question, uint8_t level) {
  /* The hook goes with the layer of an earlier bake, and comes back with the new one. */
  const size_t hook = sizeof PYCDS_HOOK_START - 1;
  return question->head.optimize != level ||
         (question->text_bytes >= hook && memcmp(question->text, PYCDS_HOOK_START, hook) == 0) ||
         one_off_text(question->filename_text, question->head.filename_bytes);
}
