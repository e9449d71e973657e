// SPDX-License-Identifier: Apache-2.0
// SipHash (public specification by Aumasson and Bernstein) with the magic number as its key: of one round for each word and
// three at the end since CPython 3.11, of two and four before.
#include "source_hash.h"

#include <string.h>

#define CPYTHON_3_11 0x030b0000u

struct state {
  uint64_t a, b, c, d;
};

static uint64_t rotate(uint64_t value, int bits) { return value << bits | value >> (64 - bits); }

static void rounds(struct state *s, int count) {
  for (; count > 0; count--) {
    s->a += s->b;
    s->c += s->d;
    s->b = rotate(s->b, 13) ^ s->a;
    s->d = rotate(s->d, 16) ^ s->c;
    s->a = rotate(s->a, 32);
    s->a += s->d;
    s->c += s->b;
    s->d = rotate(s->d, 21) ^ s->a;
    s->b = rotate(s->b, 17) ^ s->c;
    s->c = rotate(s->c, 32);
  }
}

static void take(struct state *s, uint64_t word, int count) {
  s->d ^= word;
  rounds(s, count);
  s->a ^= word;
}

uint64_t source_hash(uint32_t hexversion, const uint8_t magic[4], const uint8_t *bytes, size_t length) {
  uint32_t number;
  memcpy(&number, magic, sizeof number);
  const uint64_t key = number;
  const int each = hexversion >= CPYTHON_3_11 ? 1 : 2, last = each + 2;
  struct state s = {key ^ UINT64_C(0x736f6d6570736575), UINT64_C(0x646f72616e646f6d),
                    key ^ UINT64_C(0x6c7967656e657261), UINT64_C(0x7465646279746573)};
  size_t at = 0;
  for (; at + 8 <= length; at += 8) {
    uint64_t word;
    memcpy(&word, bytes + at, sizeof word);
    take(&s, word, each);
  }
  uint64_t rest = (uint64_t)length << 56;
  for (int shift = 0; at < length; at++, shift += 8) rest |= (uint64_t)bytes[at] << shift;
  take(&s, rest, each);
  s.c ^= 0xff;
  rounds(&s, last);
  return s.a ^ s.b ^ s.c ^ s.d;
}
