// SPDX-License-Identifier: Apache-2.0
// What CPython writes into the instructions of a code object as it makes one, from 3.12 on: counters, in the inline bytes
// behind an instruction, which are zeros in bytecode; in 3.12 also an instruction that stands for itself and the next.
// Where that depends on the instructions alone, a sample tells it for all code objects of that interpreter.
#ifndef PYCDS_FRESH_H
#define PYCDS_FRESH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PYCDS_MAX_INLINE_BYTES 32
#define PYCDS_MAX_PAIRS 16

/* What samples have told. Initially all zeros: nothing. */
struct pycds_fresh {
  uint8_t seen[256]; /* of each instruction: 0: never; else the number of inline bytes behind it, and 1 */
  uint8_t inline_bytes[256][PYCDS_MAX_INLINE_BYTES];
  struct {
    uint8_t first, second, made; /* `first` becomes `made` in front of `second` */
  } pairs[PYCDS_MAX_PAIRS];
  size_t pair_count;
};

/* Learns from one code object, or several one after the other: their bytecode, and their instructions as they were before
 * they ran, `bytes` each. False: these cannot be told from bytecode. */
bool pycds_fresh_learn(struct pycds_fresh *fresh, const uint8_t *bytecode, const uint8_t *instructions, size_t bytes);

/* Writes the instructions that CPython would make from bytecode; false: one of them was in no sample. */
bool pycds_fresh_make(const struct pycds_fresh *fresh, const uint8_t *bytecode, size_t bytes, uint8_t *instructions);

#endif
