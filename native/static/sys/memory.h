// SPDX-License-Identifier: Apache-2.0
// The compiler makes calls of these for copies and initialisers. To be included by the one file of a program that has
// no C library; -fno-tree-loop-distribute-patterns keeps the loops from becoming such calls themselves.
#ifndef PYCDS_STATIC_MEMORY_H
#define PYCDS_STATIC_MEMORY_H

#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) ((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
  return to;
}

void *memset(void *at, int value, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) ((uint8_t *)at)[i] = (uint8_t)value;
  return at;
}

#endif
