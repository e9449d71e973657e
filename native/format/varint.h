// SPDX-License-Identifier: Apache-2.0
// Reading bytes in order, and the numbers of an archive that are mostly small. A varint has seven bits per byte,
// least significant first; the highest bit says that another byte follows.
#ifndef PYCDS_VARINT_H
#define PYCDS_VARINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assert.h"

#define PYCDS_VARINT_BYTES 5 /* of the longest: 32 bits */

struct pycds_cursor {
  const uint8_t *at, *end;
};

/* False when the bytes end before the number does, or it is larger than 32 bits. */
static inline bool pycds_take_varint(struct pycds_cursor *c, uint32_t *out) {
  if (c->end - c->at >= 2 && (c->at[0] & c->at[1]) < 0x80) { /* one or two bytes, as most are */
    uint32_t first = c->at[0], second = c->at[1], more = first >> 7;
    *out = (first & 0x7f) | (second << 7 & (0 - more));
    c->at += 1 + more;
    return true;
  }
  uint32_t value = 0;
  for (unsigned shift = 0; shift < 35 && c->at < c->end; shift += 7) {
    uint8_t byte = *c->at++;
    if (shift == 28 && byte > 0x0f) return false;
    value |= (uint32_t)(byte & 0x7f) << shift;
    if (byte < 0x80) {
      *out = value;
      return true;
    }
  }
  return false;
}

/* The next `bytes` bytes; NULL when there are not so many. */
static inline const uint8_t *pycds_take_bytes(struct pycds_cursor *c, size_t bytes) {
  PYCDS_ASSERT(c->at <= c->end);
  if (bytes > (size_t)(c->end - c->at)) return NULL;
  const uint8_t *start = c->at;
  c->at += bytes;
  return start;
}

#endif
