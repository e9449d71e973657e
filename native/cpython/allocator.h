// SPDX-License-Identifier: Apache-2.0
// What Python allocates by: Include/cpython/pymem.h.
#ifndef PYCDS_CPYTHON_ALLOCATOR_H
#define PYCDS_CPYTHON_ALLOCATOR_H

#include <stddef.h>

#include "pyapi.h"

enum domain { OF_RAW_MEMORY, OF_MEMORY, OF_OBJECTS, DOMAINS };

struct allocator {
  void *context;
  void *(*malloc)(void *context, size_t bytes);
  void *(*calloc)(void *context, size_t count, size_t bytes);
  void *(*realloc)(void *context, void *block, size_t bytes);
  void (*free)(void *context, void *block);
};

PYCDS_PYAPI void PyMem_GetAllocator(enum domain, struct allocator *);
PYCDS_PYAPI void PyMem_SetAllocator(enum domain, const struct allocator *);

#endif
