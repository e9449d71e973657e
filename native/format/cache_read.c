// SPDX-License-Identifier: Apache-2.0
#include "cache.h"

#include <string.h>

#include "assert.h"
#include "hash.h"

/* Of a marshalled code object: its type, with or without the mark of a reference. */
#define MARSHAL_CODE 'c'
#define MARSHAL_REFERENCE 0x80u

bool pycds_cache_split(const uint8_t *entry, uint32_t bytes, struct pycds_cached *out) {
  struct pycds_cache_entry head;
  if (bytes < sizeof head) return false;
  memcpy(&head, entry, sizeof head);
  uint64_t whole = sizeof head + (uint64_t)head.question_bytes + head.answer_bytes;
  if (whole != bytes || head.question_bytes < sizeof(struct pycds_question) ||
      pycds_hash(entry + sizeof head.hash, bytes - sizeof head.hash) != head.hash) {
    return false;
  }
  out->question = entry + sizeof head;
  out->answer = out->question + head.question_bytes;
  out->question_bytes = head.question_bytes;
  out->answer_bytes = head.answer_bytes;
  return true;
}

uint32_t pycds_cache_slots(uint64_t index_bytes) {
  uint64_t slots = index_bytes / sizeof(struct pycds_cache_slot);
  bool sound = index_bytes % sizeof(struct pycds_cache_slot) == 0 && slots <= UINT32_MAX && (slots & (slots - 1)) == 0;
  return sound ? PYCDS_NARROW(uint32_t, slots) : 0;
}

bool pycds_regex_number(struct pycds_regex *regex, uint32_t *out) { return pycds_take_varint(&regex->rest, out); }

bool pycds_regex_open(const uint8_t *answer, uint32_t bytes, struct pycds_regex *out) {
  *out = (struct pycds_regex){.rest = {answer, answer + bytes}};
  return pycds_regex_number(out, &out->flags) && pycds_regex_number(out, &out->groups) &&
         pycds_regex_number(out, &out->words) && out->words <= (size_t)(out->rest.end - out->rest.at);
}

bool pycds_regex_name(struct pycds_regex *regex, uint32_t *group, const char **name, uint32_t *bytes) {
  if (!pycds_regex_number(regex, group) || !pycds_regex_number(regex, bytes)) return false;
  if (*group == 0 || *group > regex->groups) return false;
  *name = (const char *)pycds_take_bytes(&regex->rest, *bytes);
  return *name != NULL;
}

static bool regex_is_sound(const struct pycds_cached *cached) {
  struct pycds_regex regex;
  uint32_t number, names, group, bytes;
  const char *name;
  if (!pycds_regex_open(cached->answer, cached->answer_bytes, &regex)) return false;
  for (uint32_t i = 0; i < regex.words; i++) {
    if (!pycds_regex_number(&regex, &number)) return false;
  }
  if (!pycds_regex_number(&regex, &names)) return false;
  for (uint32_t i = 0; i < names; i++) {
    if (!pycds_regex_name(&regex, &group, &name, &bytes)) return false;
  }
  return regex.rest.at == regex.rest.end;
}

static bool source_is_sound(const struct pycds_cached *cached, const struct pycds_question *head) {
  return head->filename_bytes <= cached->question_bytes - sizeof *head && cached->answer_bytes > 0 &&
         (cached->answer[0] & ~MARSHAL_REFERENCE) == MARSHAL_CODE;
}

static bool index_finds(const uint8_t *index, uint32_t slots, uint32_t wanted, uint64_t key) {
  for (uint32_t probe = 0; probe < slots; probe++) {
    struct pycds_cache_slot slot;
    uint32_t at = (uint32_t)(key + probe) & (slots - 1);
    memcpy(&slot, index + (size_t)at * sizeof slot, sizeof slot);
    if (at == wanted) return slot.key == key;
    if (slot.bytes == 0) return false;
  }
  return false;
}

const char *pycds_cache_verify(const uint8_t *index, uint64_t index_bytes, const uint8_t *entries, uint64_t entry_bytes,
                               struct pycds_cache_counts *counts) {
  *counts = (struct pycds_cache_counts){0};
  uint32_t slots = pycds_cache_slots(index_bytes);
  if (slots == 0) return index_bytes == 0 ? NULL : "the index of cached results is damaged";
  for (uint32_t i = 0; i < slots; i++) {
    struct pycds_cache_slot slot;
    struct pycds_cached cached;
    struct pycds_question head;
    memcpy(&slot, index + (size_t)i * sizeof slot, sizeof slot);
    if (slot.bytes == 0) continue;
    if (slot.offset > entry_bytes || slot.bytes > entry_bytes - slot.offset ||
        !pycds_cache_split(entries + slot.offset, slot.bytes, &cached)) {
      return "a cached result is damaged";
    }
    if (!index_finds(index, slots, i, pycds_hash(cached.question, cached.question_bytes))) {
      return "the index does not find a cached result";
    }
    memcpy(&head, cached.question, sizeof head);
    bool regex = head.kind == PYCDS_QUESTION_REGEX && regex_is_sound(&cached);
    if (!regex && !(head.kind == PYCDS_QUESTION_SOURCE && source_is_sound(&cached, &head))) {
      return "a cached result cannot be read";
    }
    if (regex)
      counts->regexes++;
    else
      counts->sources++;
  }
  return NULL;
}
