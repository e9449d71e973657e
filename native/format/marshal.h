// SPDX-License-Identifier: Apache-2.0
// Decodes CPython's marshal format (versions 3 to 6, as CPython 3.9 to 3.15 write it) into a
// graph of values, without an interpreter.
#ifndef PYCDS_MARSHAL_H
#define PYCDS_MARSHAL_H

#include "arena.h"
#include "layout.h"

enum pycds_value_kind {
  PYCDS_VALUE_NONE,
  PYCDS_VALUE_TRUE,
  PYCDS_VALUE_FALSE,
  PYCDS_VALUE_ELLIPSIS,
  PYCDS_VALUE_INT,
  PYCDS_VALUE_FLOAT,
  PYCDS_VALUE_COMPLEX,
  PYCDS_VALUE_STR,
  PYCDS_VALUE_BYTES,
  PYCDS_VALUE_TUPLE,
  PYCDS_VALUE_FROZENSET,
  PYCDS_VALUE_SLICE, /* items: start, stop, step; since 3.14 */
  PYCDS_VALUE_CODE,
  PYCDS_VALUE_RAW, /* no object: bytes that code points to; never decoded, made later */
};

/* A field that the version has not is NULL: 3.9 and 3.10 keep names by kind of variable and
 * know neither qualified names nor exception tables. */
enum pycds_code_field {
  PYCDS_CODE_CODE,
  PYCDS_CODE_CONSTS,
  PYCDS_CODE_NAMES,
  PYCDS_CODE_VARNAMES,
  PYCDS_CODE_FREEVARS,
  PYCDS_CODE_CELLVARS,
  PYCDS_CODE_LOCALSPLUSNAMES,
  PYCDS_CODE_LOCALSPLUSKINDS,
  PYCDS_CODE_FILENAME,
  PYCDS_CODE_NAME,
  PYCDS_CODE_QUALNAME,
  PYCDS_CODE_LINETABLE,
  PYCDS_CODE_EXCEPTIONTABLE,
  PYCDS_CODE_CELL2ARG, /* RAW; before 3.11, and only where an argument is a cell */
  PYCDS_CODE_FIELDS
};

struct pycds_value;

struct pycds_code {
  int32_t argcount, posonlyargcount, kwonlyargcount, stacksize, flags, firstlineno;
  int32_t nlocals; /* before 3.11 */
  struct pycds_value *fields[PYCDS_CODE_FIELDS];
  const uint8_t *seed; /* left to the user of the graph, initially NULL */
};

struct pycds_value {
  uint8_t kind;       /* enum pycds_value_kind */
  uint8_t char_bytes; /* STR: 1, 2 or 4, the width CPython chooses */
  uint8_t ascii;      /* STR: every character is below 128 */
  uint8_t interned;   /* STR: must be the interpreter's interned object */
  uint8_t negative;   /* INT */
  size_t length;      /* INT: 30-bit digits; STR: characters; BYTES; TUPLE, FROZENSET, SLICE: items */
  union {
    uint32_t *digits;           /* INT, least significant first */
    double numbers[2];          /* FLOAT: one, COMPLEX: real, imaginary */
    void *chars;                /* STR: char_bytes each */
    const uint8_t *bytes;       /* BYTES, RAW */
    struct pycds_value **items; /* TUPLE, FROZENSET, SLICE */
    struct pycds_code *code;    /* CODE */
  };
  /* Left to the user of the graph, initially 0. */
  struct pycds_value *canonical;
  uint32_t first_unit;  /* number + 1 of the unit that had it first */
  bool shared;          /* more than one unit has it */
  uint32_t placed_unit; /* number + 1 of the unit in which `place` counts */
  uint32_t place;
  bool visited;
};

/* Decodes one object that fills `length` bytes exactly, as the CPython of that layout wrote
 * it. The graph lives in `arena` (byte strings point into `bytes`). Returns NULL and sets *error to a static sentence when the
 * bytes are damaged or hold something that cannot be archived. */
struct pycds_value *pycds_marshal_decode(struct pycds_arena *arena, const struct pycds_layout *layout,
                                         const uint8_t *bytes, size_t length, const char **error);

#endif
