// SPDX-License-Identifier: Apache-2.0
#include "hash.h"

#include <string.h>

#define P1 0x9E3779B185EBCA87ull
#define P2 0xC2B2AE3D27D4EB4Full
#define P3 0x165667B19E3779F9ull
#define P4 0x85EBCA77C2B2AE63ull
#define P5 0x27D4EB2F165667C5ull

static inline uint64_t rotate(uint64_t x, int bits) { return (x << bits) | (x >> (64 - bits)); }

static inline uint64_t word64(const uint8_t *p) {
  uint64_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

static inline uint64_t word32(const uint8_t *p) {
  uint32_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

static inline uint64_t round1(uint64_t acc, uint64_t input) { return rotate(acc + input * P2, 31) * P1; }

static inline uint64_t merge(uint64_t acc, uint64_t lane) { return (acc ^ round1(0, lane)) * P1 + P4; }

uint64_t pycds_hash(const void *bytes, size_t length) {
  const uint8_t *p = bytes;
  const uint8_t *end = p + length;
  uint64_t h;
  if (length >= 32) {
    uint64_t a = P1 + P2, b = P2, c = 0, d = 0 - P1;
    for (; end - p >= 32; p += 32) {
      a = round1(a, word64(p));
      b = round1(b, word64(p + 8));
      c = round1(c, word64(p + 16));
      d = round1(d, word64(p + 24));
    }
    h = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
    h = merge(merge(merge(merge(h, a), b), c), d);
  } else {
    h = P5;
  }
  h += length;
  for (; end - p >= 8; p += 8) h = rotate(h ^ round1(0, word64(p)), 27) * P1 + P4;
  if (end - p >= 4) {
    h = rotate(h ^ word32(p) * P1, 23) * P2 + P3;
    p += 4;
  }
  for (; p < end; p++) h = rotate(h ^ *p * P5, 11) * P1;
  h = (h ^ (h >> 33)) * P2;
  h = (h ^ (h >> 29)) * P3;
  return h ^ (h >> 32);
}
