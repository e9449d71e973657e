// SPDX-License-Identifier: Apache-2.0
#include "cache_write.h"

#include <string.h>

#include "assert.h"
#include "hash.h"

static size_t start_entry(struct pycds_buffer *out, const struct pycds_question *head) {
  const struct pycds_cache_entry entry = {0};
  size_t start = pycds_buffer_put(out, &entry, sizeof entry);
  pycds_buffer_put(out, head, sizeof *head);
  return start;
}

/* `answer` is the offset at which the question ends. */
static void finish_entry(struct pycds_caches *caches, size_t start, size_t answer) {
  struct pycds_buffer *out = &caches->entries;
  if (out->failed) return;
  PYCDS_ASSERT(start + sizeof(struct pycds_cache_entry) <= answer && answer <= out->length);
  uint32_t first = pycds_buffer_narrow(out, start), end = pycds_buffer_narrow(out, out->length);
  struct pycds_cache_entry entry = {.question_bytes = pycds_buffer_narrow(out, answer - start - sizeof entry),
                                    .answer_bytes = pycds_buffer_narrow(out, out->length - answer)};
  if (out->failed) return;
  uint8_t *bytes = out->bytes + start;
  memcpy(bytes, &entry, sizeof entry);
  entry.hash = pycds_hash(bytes + sizeof entry.hash, out->length - start - sizeof entry.hash);
  memcpy(bytes, &entry, sizeof entry);
  const struct pycds_cache_slot place = {
      .key = pycds_hash(bytes + sizeof entry, entry.question_bytes), .offset = first, .bytes = end - first};
  pycds_buffer_put(&caches->places, &place, sizeof place);
}

void pycds_caches_add_regex(struct pycds_caches *caches, const struct pycds_regex_input *input) {
  struct pycds_buffer *out = &caches->entries;
  const struct pycds_question head = {.kind = PYCDS_QUESTION_REGEX,
                                      .type = input->is_bytes ? PYCDS_PATTERN_BYTES : PYCDS_PATTERN_STR,
                                      .flags = input->asked};
  size_t start = start_entry(out, &head);
  pycds_buffer_put(out, input->pattern, input->pattern_bytes);
  size_t answer = out->length;
  pycds_buffer_put_varint(out, input->flags);
  pycds_buffer_put_varint(out, input->groups);
  pycds_buffer_put_varint(out, pycds_buffer_narrow(out, input->word_count));
  for (size_t i = 0; i < input->word_count; i++) {
    uint32_t word;
    memcpy(&word, (const uint8_t *)input->words + 4 * i, sizeof word);
    pycds_buffer_put_varint(out, word);
  }
  pycds_buffer_put_varint(out, input->name_count);
  for (uint32_t i = 0; i < input->name_count; i++) {
    size_t length = strlen(input->names[i]);
    pycds_buffer_put_varint(out, input->name_groups[i]);
    pycds_buffer_put_varint(out, pycds_buffer_narrow(out, length));
    pycds_buffer_put(out, input->names[i], length);
  }
  finish_entry(caches, start, answer);
}

void pycds_caches_add_source(struct pycds_caches *caches, const struct pycds_source_input *input) {
  struct pycds_buffer *out = &caches->entries;
  const struct pycds_question head = {.kind = PYCDS_QUESTION_SOURCE,
                                      .type = input->mode,
                                      .optimize = input->optimize,
                                      .flags = input->flags,
                                      .filename_bytes = pycds_buffer_narrow(out, input->filename_bytes)};
  size_t start = start_entry(out, &head);
  pycds_buffer_put(out, input->filename, input->filename_bytes);
  pycds_buffer_put(out, input->text, input->text_bytes);
  size_t answer = out->length;
  pycds_buffer_put(out, input->marshal, input->marshal_bytes);
  finish_entry(caches, start, answer);
}

static bool same_question(const struct pycds_caches *caches, const struct pycds_cache_slot *a,
                          const struct pycds_cache_slot *b) {
  struct pycds_cached one, other;
  return pycds_cache_split(caches->entries.bytes + a->offset, a->bytes, &one) &&
         pycds_cache_split(caches->entries.bytes + b->offset, b->bytes, &other) &&
         one.question_bytes == other.question_bytes && memcmp(one.question, other.question, one.question_bytes) == 0;
}

void pycds_caches_put_index(const struct pycds_caches *caches, struct pycds_buffer *out) {
  size_t count = caches->places.length / sizeof(struct pycds_cache_slot);
  if (count == 0 || caches->places.failed || caches->entries.failed) return;
  size_t slot_count = 16;
  while (slot_count < count * 2) slot_count *= 2;
  size_t start = pycds_buffer_put(out, NULL, slot_count * sizeof(struct pycds_cache_slot));
  if (out->failed) return;
  for (size_t i = 0; i < count; i++) {
    struct pycds_cache_slot place, slot;
    memcpy(&place, caches->places.bytes + i * sizeof place, sizeof place);
    for (size_t at = place.key & (slot_count - 1);; at = (at + 1) & (slot_count - 1)) {
      uint8_t *to = out->bytes + start + at * sizeof slot;
      memcpy(&slot, to, sizeof slot);
      if (slot.bytes == 0) memcpy(to, &place, sizeof place);
      if (slot.bytes == 0 || (slot.key == place.key && same_question(caches, &slot, &place))) break;
    }
  }
}

void pycds_caches_free(struct pycds_caches *caches) {
  pycds_buffer_free(&caches->entries);
  pycds_buffer_free(&caches->places);
}
