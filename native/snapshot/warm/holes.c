// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "holes.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../cpython/pyapi.h"

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

static struct arena_allocator original;
static bool is_full; /* there was nothing left: another arena was asked for */

static void *note_arena(void *context, size_t bytes) {
  is_full = true;
  return original.alloc(context, bytes);
}

static void fill(size_t bytes) {
  is_full = false;
  for (int i = 0; i < MOST_BLOCKS; i++) {
    void *block = PyObject_Malloc(bytes);
    if (!block) return;
    if (!is_full) {
      /* Whatever was there before is in no snapshot, and pages of zeros take no room. */
      memset(block, 0, bytes);
      continue;
    }
    /* The arena goes with its only block. */
    PyObject_Free(block);
    return;
  }
}

/* What is free in the heap, but for its end. */
static void fill_heap(void) {
  if (!mallinfo2) return;
  char *end = (char *)sbrk(0) - mallinfo2().keepcost, *block;
  for (size_t bytes = HEAP_MOST; bytes >= HEAP_STEP; bytes -= bytes > HEAP_FINE ? bytes / 8 : HEAP_STEP) {
    while ((block = malloc(bytes)) && block < end) memset(block, 0, bytes);
    free(block);
  }
}

void holes_fill(void) {
  const char *name = &_PyMem_GetCurrentAllocatorName ? _PyMem_GetCurrentAllocatorName() : NULL;
  if (!name || strcmp(name, "pymalloc") != 0) return;
  PyObject_GetArenaAllocator(&original);
  struct arena_allocator noting = original;
  noting.alloc = note_arena;
  PyObject_SetArenaAllocator(&noting);
  for (size_t bytes = STEP; bytes <= MOST; bytes += STEP) fill(bytes);
  PyObject_SetArenaAllocator(&original);
  fill_heap();
}
