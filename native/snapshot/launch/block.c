// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "block.h"

#include <elf.h>
#include <string.h>

#define ALIGNMENT 16

struct size {
  size_t words, bytes;
};

static struct size size_of(char *const *texts) {
  struct size size = {1, 0};
  for (; *texts; texts++, size.words++) size.bytes += strlen(*texts) + 1;
  return size;
}

static size_t words_of(const uint64_t *values) {
  size_t words = 2;
  for (; values[0] != AT_NULL; values += 2) words += 2;
  return words;
}

size_t block_bytes(char *const *arguments, char *const *variables, const uint64_t *values, const char *execfn) {
  struct size first = size_of(arguments), second = size_of(variables);
  size_t words = 1 + first.words + second.words + words_of(values);
  return words * sizeof *values + first.bytes + second.bytes + strlen(execfn) + 1 + ALIGNMENT;
}

/* Returns what follows the pointers; the texts are moved on to what follows them. */
static uint64_t *put(uint64_t *at, char *const *from, char **text) {
  for (; *from; from++) {
    *at++ = (uint64_t)(uintptr_t)*text;
    *text = stpcpy(*text, *from) + 1;
  }
  *at++ = 0;
  return at;
}

struct block block_make(void *memory, char *const *arguments, char *const *variables, const uint64_t *values,
                        const char *execfn) {
  struct size first = size_of(arguments), second = size_of(variables);
  uint64_t *at = (uint64_t *)(((uintptr_t)memory + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
  char *text = (char *)(at + 1 + first.words + second.words + words_of(values));
  struct block block = {.start = at};
  *at++ = first.words - 1;
  block.accounts.arg_start = (uint64_t)(uintptr_t)text;
  at = put(at, arguments, &text);
  block.accounts.arg_end = block.accounts.env_start = (uint64_t)(uintptr_t)text;
  at = put(at, variables, &text);
  block.accounts.env_end = (uint64_t)(uintptr_t)text;
  block.execfn = text;
  strcpy(text, execfn);
  for (; values[0] != AT_NULL; values += 2, at += 2) {
    at[0] = values[0];
    at[1] = values[0] == AT_EXECFN ? (uint64_t)(uintptr_t)text : values[1];
  }
  at[0] = at[1] = 0;
  return block;
}
