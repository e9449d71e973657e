// SPDX-License-Identifier: Apache-2.0
#include "strings.h"

#include <string.h>

#include "hash.h"

struct pycds_string_entry {
  uint64_t hash;
  size_t length;
  uint32_t number, home;
  uint8_t char_bytes;
  uint8_t chars[];
};

static bool grow(struct pycds_strings *s) {
  size_t capacity = s->capacity ? s->capacity * 2 : 4096;
  struct pycds_string_entry **slots = pycds_arena_alloc(&s->arena, capacity * sizeof *slots);
  if (!slots) return false;
  for (size_t i = 0; i < s->capacity; i++) {
    if (!s->slots[i]) continue;
    size_t at = s->slots[i]->hash & (capacity - 1);
    while (slots[at]) at = (at + 1) & (capacity - 1);
    slots[at] = s->slots[i];
  }
  s->slots = slots;
  s->capacity = capacity;
  return true;
}

uint32_t pycds_strings_number(struct pycds_strings *s, const struct pycds_value *value, uint32_t module, uint32_t *home,
                              bool *added) {
  *added = false;
  if (s->count * (size_t)2 >= s->capacity && !grow(s)) return UINT32_MAX;
  size_t bytes = value->length * value->char_bytes;
  uint64_t hash = pycds_hash(value->chars, bytes);
  size_t at = hash & (s->capacity - 1);
  for (struct pycds_string_entry *e; (e = s->slots[at]); at = (at + 1) & (s->capacity - 1)) {
    if (e->hash == hash && e->length == value->length && e->char_bytes == value->char_bytes &&
        memcmp(e->chars, value->chars, bytes) == 0) {
      *home = e->home;
      return e->number;
    }
  }
  struct pycds_string_entry *entry = pycds_arena_alloc(&s->arena, sizeof *entry + bytes);
  if (!entry) return UINT32_MAX;
  *entry = (struct pycds_string_entry){
      .hash = hash, .length = value->length, .number = s->count++, .home = module, .char_bytes = value->char_bytes};
  memcpy(entry->chars, value->chars, bytes);
  s->slots[at] = entry;
  *home = module;
  *added = true;
  return entry->number;
}

void pycds_strings_free(struct pycds_strings *s) {
  pycds_arena_free(&s->arena);
  *s = (struct pycds_strings){0};
}
