// SPDX-License-Identifier: Apache-2.0
#ifndef PYCDS_SNAPSHOT_PAIRS_H
#define PYCDS_SNAPSHOT_PAIRS_H

#include <stdbool.h>
#include <stddef.h>

/* A set of pairs of addresses; all zeros: an empty one. Never freed. */
struct pairs {
  struct pair *places;
  size_t room, count; /* a power of two */
};

struct pair {
  const void *first, *second; /* first is NULL: an empty place */
};

bool pairs_has(const struct pairs *set, struct pair one);

/* It is not there yet. */
void pairs_add(struct pairs *set, struct pair one);

#endif
