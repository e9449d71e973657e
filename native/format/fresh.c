// SPDX-License-Identifier: Apache-2.0
#include "fresh.h"

#include <string.h>

/* An instruction has its number and an argument, a byte each. Bytecode has instructions of this number for inline bytes. */
#define INSTRUCTION_BYTES 2
#define INLINE 0

/* An instruction of bytecode. */
struct found {
  uint8_t number, argument, next; /* next: the number of the one behind it; INLINE: there is none, or inline bytes */
  size_t inline_bytes;
};

static struct found find(const uint8_t *bytecode, size_t at, size_t bytes) {
  struct found found = {.number = bytecode[at], .argument = bytecode[at + 1]};
  size_t next = at + INSTRUCTION_BYTES;
  if (next < bytes) found.next = bytecode[next];
  while (next < bytes && bytecode[next] == INLINE) next += INSTRUCTION_BYTES;
  found.inline_bytes = next - at - INSTRUCTION_BYTES;
  return found;
}

static uint8_t number_of(const struct pycds_fresh *fresh, const struct found *found) {
  for (size_t i = 0; i < fresh->pair_count; i++) {
    if (fresh->pairs[i].first == found->number && fresh->pairs[i].second == found->next) return fresh->pairs[i].made;
  }
  return found->number;
}

/* Takes what is there for true; learn compares. */
static bool note(struct pycds_fresh *fresh, const struct found *found, const uint8_t *instruction) {
  if (found->inline_bytes > PYCDS_MAX_INLINE_BYTES) return false;
  fresh->seen[found->number] = (uint8_t)(found->inline_bytes + 1);
  memcpy(fresh->inline_bytes[found->number], instruction + INSTRUCTION_BYTES, found->inline_bytes);
  if (number_of(fresh, found) == *instruction) return true;
  if (fresh->pair_count == PYCDS_MAX_PAIRS) return false;
  fresh->pairs[fresh->pair_count].first = found->number;
  fresh->pairs[fresh->pair_count].second = found->next;
  fresh->pairs[fresh->pair_count++].made = *instruction;
  return true;
}

/* Writes the instruction that becomes of one, and its inline bytes. */
static bool make(const struct pycds_fresh *fresh, const struct found *found, uint8_t *out) {
  /* Without inline bytes there is nothing to know. */
  if (found->inline_bytes > 0 && fresh->seen[found->number] != found->inline_bytes + 1) return false;
  out[0] = number_of(fresh, found);
  out[1] = found->argument;
  memcpy(out + INSTRUCTION_BYTES, fresh->inline_bytes[found->number], found->inline_bytes);
  return true;
}

bool pycds_fresh_learn(struct pycds_fresh *fresh, const uint8_t *bytecode, const uint8_t *instructions, size_t bytes) {
  uint8_t made[INSTRUCTION_BYTES + PYCDS_MAX_INLINE_BYTES];
  struct found found;
  if (bytes % INSTRUCTION_BYTES != 0) return false;
  for (size_t at = 0; at < bytes; at += INSTRUCTION_BYTES + found.inline_bytes) {
    found = find(bytecode, at, bytes);
    if (!note(fresh, &found, instructions + at)) return false;
  }
  for (size_t at = 0; at < bytes; at += INSTRUCTION_BYTES + found.inline_bytes) {
    found = find(bytecode, at, bytes);
    if (!make(fresh, &found, made) || memcmp(made, instructions + at, INSTRUCTION_BYTES + found.inline_bytes) != 0)
      return false;
  }
  return true;
}

bool pycds_fresh_make(const struct pycds_fresh *fresh, const uint8_t *bytecode, size_t bytes, uint8_t *instructions) {
  struct found found;
  if (bytes % INSTRUCTION_BYTES != 0) return false;
  for (size_t at = 0; at < bytes; at += INSTRUCTION_BYTES + found.inline_bytes) {
    found = find(bytecode, at, bytes);
    if (!make(fresh, &found, instructions + at)) return false;
  }
  return true;
}
