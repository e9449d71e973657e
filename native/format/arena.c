// SPDX-License-Identifier: Apache-2.0
#include "arena.h"

#include <stdlib.h>

#include "assert.h"

#define CHUNK_BYTES ((size_t)256 * 1024)

struct pycds_chunk {
  struct pycds_chunk *next;
  size_t used, capacity;
  max_align_t bytes[];
};

void *pycds_arena_alloc(struct pycds_arena *arena, size_t bytes) {
  if (arena->failed || bytes > SIZE_MAX / 2) goto fail;
  bytes = (bytes + 15) & ~(size_t)15;
  struct pycds_chunk *chunk = arena->chunks;
  PYCDS_ASSERT(!chunk || chunk->used <= chunk->capacity);
  if (!chunk || chunk->capacity - chunk->used < bytes) {
    size_t capacity = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
    chunk = calloc(1, sizeof *chunk + capacity);
    if (!chunk) goto fail;
    chunk->capacity = capacity;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
  }
  void *result = (uint8_t *)chunk->bytes + chunk->used;
  chunk->used += bytes;
  PYCDS_ASSERT(chunk->used <= chunk->capacity && (uintptr_t)result % 16 == 0);
  return result;
fail:
  arena->failed = true;
  return NULL;
}

void pycds_arena_free(struct pycds_arena *arena) {
  while (arena->chunks) {
    struct pycds_chunk *next = arena->chunks->next;
    free(arena->chunks);
    arena->chunks = next;
  }
  arena->failed = false;
}
