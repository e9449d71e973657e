// SPDX-License-Identifier: Apache-2.0
#include "arena.h"

#include <stdlib.h>
#include <string.h>

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

size_t pycds_buffer_put(struct pycds_buffer *buffer, const void *bytes, size_t length) {
  size_t offset = buffer->length;
  PYCDS_ASSERT(buffer->length <= buffer->capacity);
  if (buffer->failed || length > SIZE_MAX / 2 - offset) goto fail;
  if (offset + length > buffer->capacity) {
    size_t capacity = buffer->capacity ? buffer->capacity : 4096;
    while (capacity < offset + length) capacity *= 2;
    uint8_t *grown = realloc(buffer->bytes, capacity);
    if (!grown) goto fail;
    buffer->bytes = grown;
    buffer->capacity = capacity;
  }
  if (length > 0) {
    if (bytes) {
      memcpy(buffer->bytes + offset, bytes, length);
    } else {
      memset(buffer->bytes + offset, 0, length);
    }
  }
  buffer->length += length;
  PYCDS_ASSERT(buffer->length <= buffer->capacity);
  return offset;
fail:
  buffer->failed = true;
  return offset;
}

size_t pycds_buffer_put32(struct pycds_buffer *buffer, uint32_t value) {
  return pycds_buffer_put(buffer, &value, sizeof value);
}

void pycds_buffer_align(struct pycds_buffer *buffer, size_t alignment) {
  PYCDS_ASSERT(alignment > 0 && (alignment & (alignment - 1)) == 0);
  size_t rest = buffer->length & (alignment - 1);
  if (rest) pycds_buffer_put(buffer, NULL, alignment - rest);
  PYCDS_ASSERT(buffer->failed || buffer->length % alignment == 0);
}

uint32_t pycds_buffer_narrow(struct pycds_buffer *buffer, size_t length) {
  if (length <= UINT32_MAX) return (uint32_t)length;
  buffer->failed = buffer->too_long = true;
  return 0;
}

const char *pycds_buffer_error(const struct pycds_buffer *buffer) {
  if (!buffer->failed) return NULL;
  return buffer->too_long ? "a part of the archive would be 4 GiB or more" : "out of memory";
}

void pycds_buffer_free(struct pycds_buffer *buffer) {
  free(buffer->bytes);
  *buffer = (struct pycds_buffer){0};
}
