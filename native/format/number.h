// SPDX-License-Identifier: Apache-2.0
// Source texts that hold a number which is another one in each process: attrs writes the hash of a class's name into
// the `__hash__` that it generates. What such a text compiles to is cached with a sample in the place of the number,
// one for each width of the literal (columns are part of a code object) and each sign (the compilers of 3.14 and later leave
// the magnitude of a negative number among the constants), and the number at hand is put into the marshalled code. The
// tracer records a sample only where it has seen that the compiler gives the same for other numbers of its sign, but for
// these constants.
#ifndef PYCDS_NUMBER_H
#define PYCDS_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Shorter ones are as good as any other text, longer ones do not fit 64 bits. */
#define PYCDS_NUMBER_MIN_DIGITS 15
#define PYCDS_NUMBER_MAX_DIGITS 19
/* Of a number with its sign. */
#define PYCDS_NUMBER_MAX_WIDTH (PYCDS_NUMBER_MAX_DIGITS + 1)
/* A marshalled number without its type: a count of digits, and up to five of them. */
#define PYCDS_NUMBER_MAX_BYTES 14

struct pycds_number {
  size_t at, width; /* of the literal in the text, its sign included */
  uint64_t magnitude;
  bool negative;
};

/* Finds the only decimal literal of so many digits; false when there is none or more than one, or when it is a part of
 * something else. */
bool pycds_number_find(const char *text, size_t bytes, struct pycds_number *out);

/* The number that stands for all of a width and a sign, and its literal, which is as wide. */
struct pycds_number pycds_number_sample(size_t width, bool negative, char literal[PYCDS_NUMBER_MAX_WIDTH]);

/* Puts another number of the same sign in the place of the only `from` of marshalled code, and its magnitude in the place of
 * that of a negative one, where it is there. Returns the length of what is written to `out`, which must have room for
 * PYCDS_NUMBER_MAX_BYTES more than the code; 0 when `from` is not there exactly once, or its magnitude more than once. */
size_t pycds_number_replace(const uint8_t *code, size_t bytes, const struct pycds_number *from,
                            const struct pycds_number *to, uint8_t *out);

#endif
