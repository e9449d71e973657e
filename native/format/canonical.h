// SPDX-License-Identifier: Apache-2.0
// Prepares decoded units for being archived: marks the strings that CPython interns,
// gives each code object its inline bytes, and unites equal constants.
#ifndef PYCDS_CANONICAL_H
#define PYCDS_CANONICAL_H

#include "fresh.h"
#include "marshal.h"

/* The constants of all units seen so far, each content once. */
struct pycds_constants {
  struct pycds_arena *arena; /* where the units' graphs live */
  uint32_t unit;             /* number of the next unit */
  struct pycds_value **slots;
  size_t capacity, used; /* capacity: a power of two */
};

/* Works on the graph below `root`, a CODE value, as unit number `constants->unit`, which it
 * counts on. Afterwards every reference in the graph is canonical: equal constants (same
 * type, same value, same interning) are one value over all units, `shared` tells whether
 * more than one unit has it, and the items of a frozenset stand in an order that does not
 * depend on the hash seed of the process that marshalled them. `seeds` holds the inline
 * bytes of every code object once, outer before inner, in the order of co_consts; it may be
 * empty: then `fresh` tells them, or, where it is NULL, they are those of the bytecode. Returns NULL or a static sentence. */
const char *pycds_canonicalise(struct pycds_constants *constants, struct pycds_value *root, const uint8_t *seeds,
                               size_t seeds_bytes, const struct pycds_fresh *fresh);

#endif
