// SPDX-License-Identifier: Apache-2.0
// Memory that is released as a whole. Failure is recorded instead of being returned at every call: check `failed`
// once, at the end.
#ifndef PYCDS_ARENA_H
#define PYCDS_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pycds_chunk;

struct pycds_arena {
  struct pycds_chunk *chunks;
  bool failed; /* an allocation was refused; every later one returns NULL */
};

/* Zeroed memory that lives until pycds_arena_free; NULL when there is none left. */
void *pycds_arena_alloc(struct pycds_arena *arena, size_t bytes);
void pycds_arena_free(struct pycds_arena *arena);

#endif
