// SPDX-License-Identifier: Apache-2.0
// The stream of object descriptions: what an operation looks like, and the steps that its
// three users (stream_write.c writes, archive_read.c verifies, the runtime makes objects) have in common.
//
// An operation starts with one byte: its kind in the lower half, a count in the upper half;
// 15 there means that a varint with the rest of the count follows. Operations are numbered
// from 0 in each stream. A varint is that of varint.h.
//
// A reference is a varint: 0 is a null pointer; an odd number is 2 * n + 1 for the shared
// constant n of the archive; an even one 2 * d for the object that was described d
// operations ago in the same stream.
#ifndef PYCDS_STREAM_H
#define PYCDS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "varint.h"

enum pycds_op {
  PYCDS_OP_ASCII = 0,     /* count: characters, which follow */
  PYCDS_OP_NAME = 1,      /* the same, to be interned */
  PYCDS_OP_TEXT = 2,      /* count: characters; one byte, PYCDS_TEXT_*; then the characters */
  PYCDS_OP_BYTES = 3,     /* count: bytes, which follow */
  PYCDS_OP_INT = 4,       /* count: 30-bit digits; a varint for ob_size or lv_tag (zigzag); u32 digits */
  PYCDS_OP_NUMBER = 5,    /* count: doubles that follow, one for a float, two for a complex */
  PYCDS_OP_TUPLE = 6,     /* count: references that follow */
  PYCDS_OP_FROZENSET = 7, /* a reference to a tuple with the items */
  PYCDS_OP_CODE = 8,      /* varints: size of the bytecode, then the layout's integers; the layout's
                             references; the bytecode */
  PYCDS_OP_SYMBOL = 9,    /* count: enum pycds_symbol; a varint with its value */
  PYCDS_OP_SLICE = 10,    /* three references */
  PYCDS_OP_RAW = 11,      /* count: bytes, which follow; no object, only reached by a pointer of code */
  PYCDS_OP_KINDS
};

/* The byte of PYCDS_OP_TEXT. */
#define PYCDS_TEXT_WIDTH 7u /* 1, 2 or 4 bytes per character */
#define PYCDS_TEXT_ASCII 8u
#define PYCDS_TEXT_INTERNED 16u

enum pycds_symbol {
  PYCDS_SYMBOL_NONE = 0,
  PYCDS_SYMBOL_TRUE = 1,
  PYCDS_SYMBOL_FALSE = 2,
  PYCDS_SYMBOL_ELLIPSIS = 3,
  PYCDS_SYMBOL_EMPTY_TUPLE = 4,
  PYCDS_SYMBOL_EMPTY_BYTES = 5,
  PYCDS_SYMBOL_EMPTY_STR = 6,
  PYCDS_SYMBOL_LATIN1 = 7,      /* the one-character string of that code point */
  PYCDS_SYMBOL_NAME_LATIN1 = 8, /* its interned form: before 3.13 that need not be the same object */
  PYCDS_SYMBOL_SMALL_INT = 9,   /* value - PYCDS_SMALL_INT_BIAS */
  PYCDS_SYMBOL_KINDS
};
#define PYCDS_SMALL_INT_BIAS 5

#define PYCDS_OBJECT_HEADER 16u /* ob_refcnt, ob_type */
#define PYCDS_OBJECT_SIZE 16u   /* ob_size of variable-sized objects, lv_tag of int, length of str */
#define PYCDS_OBJECT_HASH 24u   /* of str and bytes; of a tuple where its items do not start there */
#define PYCDS_STR_STATE 32u
#define PYCDS_BYTES_DATA 32u
#define PYCDS_INT_DIGITS 24u
#define PYCDS_NUMBER_DATA 16u
#define PYCDS_SLICE_BYTES 40u
#define PYCDS_GC_HEAD 16u /* in front of containers; zero means untracked */

/* False when the stream ends before it should. */
static inline bool pycds_take_op(struct pycds_cursor *c, uint8_t *op, uint32_t *count) {
  if (c->at >= c->end) return false;
  uint8_t byte = *c->at++;
  uint32_t more = 0;
  *op = byte & 15;
  if (byte >> 4 == 15 && !pycds_take_varint(c, &more)) return false;
  *count = (byte >> 4) + more;
  return *count >= more;
}

/* ---- what an operation may say of the object: another size than it has would be used beyond its end ---- */

/* Bytes per character by the byte of PYCDS_OP_TEXT; 0: there is no such str. */
static inline uint32_t pycds_text_width(uint8_t kind) {
  uint32_t width = kind & PYCDS_TEXT_WIDTH;
  bool sound = width == 1 || ((width == 2 || width == 4) && !(kind & PYCDS_TEXT_ASCII));
  return sound ? width : 0;
}

/* Whether a float or a complex has so many doubles. */
static inline bool pycds_is_number(uint32_t count) { return count == 1 || count == 2; }

/* Whether an int of `count` digits says that it has so many: in that CPython's ob_size, or in the lv_tag that
 * came with PYCDS_INT_TAGGED, where the sign is below the count. */
#define PYCDS_INT_TAGGED 0x030c0000u
static inline bool pycds_is_int(uint32_t count, uint32_t zigzag, uint32_t hexversion) {
  int64_t said = (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
  if (hexversion >= PYCDS_INT_TAGGED) return said >> 3 == count && ((said & 7) == 0 || (said & 7) == 2);
  return said == count || said == -(int64_t)count;
}

#endif
