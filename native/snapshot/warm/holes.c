// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "holes.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../cpython/allocator.h"
#include "../freeze/freeze.h"

/* Sizes that CPython's allocator serves from its pools, in these steps. */
#define STEP 16
#define MOST 512
/* Of one size; never reached, since an arena has a megabyte. */
#define MOST_BLOCKS 4000000

/* Include/cpython/objimpl.h */
struct arena_allocator {
  void *context;
  void *(*alloc)(void *context, size_t bytes);
  void (*free)(void *context, void *arena, size_t bytes);
};
PYCDS_PYAPI void PyObject_GetArenaAllocator(struct arena_allocator *);
PYCDS_PYAPI void PyObject_SetArenaAllocator(struct arena_allocator *);
PYCDS_PYAPI void *PyObject_Malloc(size_t bytes);
PYCDS_PYAPI void PyObject_Free(void *block);
/* Of 3.7 and later, though not public. */
__attribute__((weak)) const char *_PyMem_GetCurrentAllocatorName(void);

/* Of glibc 2.33 and later. */
__attribute__((weak)) struct mallinfo2 mallinfo2(void);

/* Sizes that glibc's allocator is asked for: the largest first, so that what is left of them is filled too. */
#define HEAP_MOST 65536
#define HEAP_STEP 16
/* Above this each size is an eighth smaller than the one before. */
#define HEAP_FINE 1024

/* Memory that CPython's allocator hands out in blocks of one size: since 3.10. Its own account of it lies at the start. */
#define POOL UINT64_C(16384)
#define POOL_HEADER 48

static struct arena_allocator original;
static bool is_full; /* there was nothing left: another arena was asked for */

/* There is none: one that is empty again is kept where it is the only one with room, and would be filled by the next size. */
static void *deny_arena(void *context, size_t bytes) {
  (void)context;
  (void)bytes;
  is_full = true;
  return NULL;
}

/* Whatever was there before is in no snapshot, and pages of zeros take no room. A pool that holds nothing else is zeros
 * altogether: no block of it is ever given back, so that nobody looks at its account but who counts blocks. */
static void clear(char *block, size_t bytes, uint64_t *pool, size_t *count) {
  uint64_t at = (uint64_t)(uintptr_t)block, start = at & ~(POOL - 1);
  memset(block, 0, bytes);
  if (at == start + POOL_HEADER) {
    *pool = start;
    *count = 0;
  }
  if (start != *pool) return;
  if (++*count == (POOL - POOL_HEADER) / bytes) memset((void *)(uintptr_t)start, 0, POOL_HEADER);
}

static void fill(size_t bytes) {
  uint64_t pool = 0;
  size_t count = 0;
  is_full = false;
  for (int i = 0; i < MOST_BLOCKS; i++) {
    char *block = PyObject_Malloc(bytes);
    if (!block) return;
    if (!is_full) {
      clear(block, bytes, &pool, &count);
      continue;
    }
    /* Of another allocator. */
    PyObject_Free(block);
    return;
  }
}

/* An arena with nothing in it, for what a process makes first. */
static void leave_room(void) { PyObject_Free(PyObject_Malloc(MOST)); }

/* What glibc's allocator keeps in front of a block: its size, and three flags of which in the heap only that of the block
 * before is set. */
#define HEAP_HEADER 16
#define HEAP_FLAGS UINT64_C(7)
#define HEAP_BEFORE UINT64_C(1)

static uint64_t *size_of(uint64_t block) { return (uint64_t *)(uintptr_t)(block - sizeof(uint64_t)); }

/* Makes one block of two that lie side by side and are never given back; else the second one is the last. */
static uint64_t join(uint64_t last, uint64_t block) {
  uint64_t *size = last ? size_of(last) : NULL, *next = size_of(block);
  bool is_known = size && (*size & HEAP_FLAGS) == HEAP_BEFORE && (*next & HEAP_FLAGS) == HEAP_BEFORE;
  if (!is_known || last + (*size & ~HEAP_FLAGS) != block) return block;
  *size += *next & ~HEAP_FLAGS;
  memset((void *)(uintptr_t)(block - HEAP_HEADER), 0, HEAP_HEADER);
  return last;
}

/* What is free in the heap, but for its end. */
static void fill_heap(void) {
  if (!mallinfo2) return;
  char *end = (char *)sbrk(0) - mallinfo2().keepcost, *block;
  uint64_t last = 0;
  for (size_t bytes = HEAP_MOST; bytes >= HEAP_STEP; bytes -= bytes > HEAP_FINE ? bytes / 8 : HEAP_STEP) {
    while ((block = malloc(bytes)) && block < end) {
      memset(block, 0, malloc_usable_size(block));
      last = join(last, (uint64_t)(uintptr_t)block);
    }
    free(block);
  }
}

/* ---- what is used ---- */

static struct allocator originals[DOMAINS];

/* Of a block that was asked for with so many bytes. */
static size_t whole(void *block, size_t bytes) {
  return bytes > MOST ? malloc_usable_size(block) : (bytes + STEP - 1) / STEP * STEP;
}

static void *clean_malloc(void *context, size_t bytes) {
  const struct allocator *allocator = context;
  void *block = allocator->malloc(allocator->context, bytes);
  if (block) memset(block, 0, whole(block, bytes));
  return block;
}

static void *clean_calloc(void *context, size_t count, size_t bytes) {
  const struct allocator *allocator = context;
  void *block = allocator->calloc(allocator->context, count, bytes);
  if (block) memset((char *)block + count * bytes, 0, whole(block, count * bytes) - count * bytes);
  return block;
}

/* What was large once stays where it was, so that the size tells nothing of a small block. */
static void *clean_realloc(void *context, void *block, size_t bytes) {
  const struct allocator *allocator = context;
  block = allocator->realloc(allocator->context, block, bytes);
  if (block && bytes > MOST) memset((char *)block + bytes, 0, whole(block, bytes) - bytes);
  return block;
}

static void clean_free(void *context, void *block) {
  const struct allocator *allocator = context;
  allocator->free(allocator->context, block);
}

static bool is_known(void) {
  const char *name = &_PyMem_GetCurrentAllocatorName ? _PyMem_GetCurrentAllocatorName() : NULL;
  return name && strcmp(name, "pymalloc") == 0;
}

/* Without an arena small blocks would be another allocator's, which are not of those sizes. */
static void *must_have_arena(void *context, size_t bytes) {
  void *arena = original.alloc(context, bytes);
  if (!arena) freeze_refuse("no memory");
  return arena;
}

void holes_begin(void) {
  if (!is_known()) return;
  PyObject_GetArenaAllocator(&original);
  struct arena_allocator must_have = original;
  must_have.alloc = must_have_arena;
  PyObject_SetArenaAllocator(&must_have);
  for (enum domain domain = OF_MEMORY; domain < DOMAINS; domain++) {
    PyMem_GetAllocator(domain, &originals[domain]);
    struct allocator clean = {&originals[domain], clean_malloc, clean_calloc, clean_realloc, clean_free};
    PyMem_SetAllocator(domain, &clean);
  }
}

void holes_fill(void) {
  if (!originals[OF_MEMORY].malloc) return;
  for (enum domain domain = OF_MEMORY; domain < DOMAINS; domain++) PyMem_SetAllocator(domain, &originals[domain]);
  struct arena_allocator denying = original;
  denying.alloc = deny_arena;
  PyObject_SetArenaAllocator(&denying);
  for (size_t bytes = STEP; bytes <= MOST; bytes += STEP) fill(bytes);
  PyObject_SetArenaAllocator(&original);
  leave_room();
  fill_heap();
}
