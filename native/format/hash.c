// SPDX-License-Identifier: Apache-2.0
#include "hash.h"

#include <string.h>
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

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

/* ---- blocks ---- */

/* A stripe is eight words. Of each word, `sums` gets the word itself in its neighbour's place,
 * so that every change of one word shows, and in its own place the product of its halves after
 * a key that differs from stripe to stripe, so that the order shows. */
#define STRIPE_BYTES ((size_t)64)
#define WORDS 8
#define KEY_STEP P1

struct sums {
  uint64_t sums[WORDS], keys[WORDS];
};

#if defined(__x86_64__)
static void add_stripes(struct sums *s, const uint8_t *p, size_t count) {
  __m128i sums[WORDS / 2], keys[WORDS / 2], step = _mm_set1_epi64x((long long)KEY_STEP);
  memcpy(sums, s->sums, sizeof sums);
  memcpy(keys, s->keys, sizeof keys);
  for (; count > 0; count--, p += STRIPE_BYTES) {
#pragma GCC unroll 4 /* so that all of it stays in registers */
    for (int i = 0; i < WORDS / 2; i++) {
      __m128i words = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
      __m128i keyed = _mm_xor_si128(words, keys[i]);
      __m128i product = _mm_mul_epu32(keyed, _mm_srli_epi64(keyed, 32));
      sums[i] = _mm_add_epi64(sums[i], _mm_add_epi64(product, _mm_shuffle_epi32(words, _MM_SHUFFLE(1, 0, 3, 2))));
      keys[i] = _mm_add_epi64(keys[i], step);
    }
  }
  memcpy(s->sums, sums, sizeof sums);
  memcpy(s->keys, keys, sizeof keys);
}
#else
static void add_stripes(struct sums *s, const uint8_t *p, size_t count) {
  for (; count > 0; count--, p += STRIPE_BYTES) {
    for (int i = 0; i < WORDS; i++) {
      uint64_t word = word64(p + 8 * i), keyed = word ^ s->keys[i];
      s->sums[i] += (keyed & 0xffffffff) * (keyed >> 32);
      s->sums[i ^ 1] += word;
      s->keys[i] += KEY_STEP;
    }
  }
}
#endif

uint64_t pycds_block_hash(const void *bytes, size_t length) {
  struct sums s = {.sums = {P1, P2, P3, P4, P5, P1 ^ P2, P2 ^ P3, P3 ^ P4}};
  for (uint64_t i = 0; i < WORDS; i++) s.keys[i] = P2 * (2 * i + 1);
  size_t whole = length / STRIPE_BYTES, rest = length % STRIPE_BYTES;
  uint8_t last[STRIPE_BYTES] = {0};
  add_stripes(&s, bytes, whole);
  if (rest > 0) memcpy(last, (const uint8_t *)bytes + whole * STRIPE_BYTES, rest);
  add_stripes(&s, last, 1);
  s.keys[0] = length;
  return pycds_hash(&s, sizeof s.sums + sizeof s.keys[0]);
}
