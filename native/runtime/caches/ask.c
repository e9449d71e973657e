// SPDX-License-Identifier: Apache-2.0
// Entries lie in the order of their use in training, so they are read a stretch at a time.
#include "ask.h"

#include <stdlib.h>
#include <string.h>

#include "../../format/hash.h"

#define STRETCH_BYTES ((uint32_t)32 * 1024)
/* That of the image, and one that was learned. */
#define MAX_CACHES 2

/* The results of one archive. */
struct cache {
  struct archive *archive; /* NULL: they are damaged */
  struct pycds_section index, entries;
  uint8_t *slots; /* the whole index; NULL until the first question */
  uint32_t slot_count;
  uint8_t *stretch; /* some of the entries: bytes [first, first + length) of the section */
  size_t capacity;
  uint32_t first, length;
};

static struct cache caches[MAX_CACHES];
static unsigned count;
static uint8_t *asked; /* the question */
static size_t asked_capacity;
static bool in_use;

static bool is_word(const char *value, const char *word) { return value && strcmp(value, word) == 0; }

unsigned cache_open(struct archive *archive) {
  const char *wanted = getenv("PYCDS_CACHES");
  unsigned use = CACHE_REGEXES | CACHE_SOURCES;
  if (is_word(wanted, "off")) use = 0;
  if (is_word(wanted, "regexes")) use = CACHE_REGEXES;
  if (is_word(wanted, "sources")) use = CACHE_SOURCES;
  struct cache *cache = &caches[count];
  bool there = use && count < MAX_CACHES && archive_section(archive, PYCDS_SECTION_CACHE_INDEX, &cache->index) &&
               cache->index.bytes > 0 && archive_section(archive, PYCDS_SECTION_CACHE, &cache->entries) &&
               cache->entries.bytes <= UINT32_MAX;
  if (!there) return 0;
  cache->archive = archive;
  count++;
  return use;
}

static bool reserve(uint8_t **buffer, size_t *capacity, size_t bytes) {
  if (*capacity >= bytes) return true;
  uint8_t *grown = realloc(*buffer, bytes);
  if (!grown) return false;
  *buffer = grown;
  *capacity = bytes;
  return true;
}

static bool read_checked(const struct cache *cache, uint64_t offset, uint8_t *into, size_t bytes) {
  return archive_read(cache->archive, offset, into, bytes) ||
         (archive_is_open(cache->archive) && archive_read(cache->archive, offset, into, bytes));
}

static bool read_index(struct cache *cache) {
  uint32_t slot_count = pycds_cache_slots(cache->index.bytes);
  uint8_t *slots = slot_count ? malloc(cache->index.bytes) : NULL;
  if (!slots) return false;
  bool sound = read_checked(cache, cache->index.offset, slots, cache->index.bytes) &&
               pycds_hash(slots, cache->index.bytes) == cache->index.hash;
  if (!sound && archive_is_open(cache->archive)) {
    sound = read_checked(cache, cache->index.offset, slots, cache->index.bytes) &&
            pycds_hash(slots, cache->index.bytes) == cache->index.hash;
  }
  if (!sound) {
    free(slots);
    return false;
  }
  cache->slots = slots;
  cache->slot_count = slot_count;
  return true;
}

static bool read_stretch(struct cache *cache, const struct pycds_cache_slot *slot) {
  uint32_t rest = (uint32_t)cache->entries.bytes - slot->offset;
  uint32_t length = slot->bytes > STRETCH_BYTES ? slot->bytes : STRETCH_BYTES;
  if (length > rest) length = rest;
  cache->length = 0;
  if (!reserve(&cache->stretch, &cache->capacity, length) ||
      !read_checked(cache, cache->entries.offset + slot->offset, cache->stretch, length)) {
    return false;
  }
  cache->first = slot->offset;
  cache->length = length;
  return true;
}

/* A damaged entry, or what another file gave under our descriptor's number, is no entry. */
static bool read_entry(struct cache *cache, const struct pycds_cache_slot *slot, struct pycds_cached *out) {
  if (slot->offset > cache->entries.bytes || slot->bytes > cache->entries.bytes - slot->offset) return false;
  bool there = slot->offset >= cache->first && slot->offset - cache->first <= cache->length &&
               slot->bytes <= cache->length - (slot->offset - cache->first);
  if (!there && !read_stretch(cache, slot)) return false;
  if (pycds_cache_split(cache->stretch + (slot->offset - cache->first), slot->bytes, out)) return true;
  return archive_is_open(cache->archive) && read_stretch(cache, slot) &&
         pycds_cache_split(cache->stretch, slot->bytes, out);
}

static bool find(struct cache *cache, const uint8_t *question, size_t bytes, struct pycds_cached *out) {
  uint64_t key = pycds_hash(question, bytes);
  for (uint32_t probe = 0; probe < cache->slot_count; probe++) {
    struct pycds_cache_slot slot;
    memcpy(&slot, cache->slots + (size_t)((key + probe) & (cache->slot_count - 1)) * sizeof slot, sizeof slot);
    if (slot.bytes == 0) return false;
    if (slot.key == key && read_entry(cache, &slot, out) && out->question_bytes == bytes &&
        memcmp(out->question, question, bytes) == 0) {
      return true;
    }
  }
  return false;
}

static bool ask(struct cache *cache, const uint8_t *question, size_t bytes, struct pycds_cached *out) {
  if (!cache->archive) return false;
  if (cache->slots || read_index(cache)) return find(cache, question, bytes, out);
  cache->archive = NULL;
  return false;
}

bool cache_ask(const struct pycds_question *head, const char *filename, const void *text, size_t text_bytes,
               const uint8_t **answer, uint32_t *answer_bytes) {
  struct pycds_cached found;
  size_t bytes = sizeof *head + head->filename_bytes + text_bytes;
  if (in_use || count == 0 || bytes > UINT32_MAX || !reserve(&asked, &asked_capacity, bytes)) return false;
  memcpy(asked, head, sizeof *head);
  if (head->filename_bytes) memcpy(asked + sizeof *head, filename, head->filename_bytes);
  memcpy(asked + bytes - text_bytes, text, text_bytes);
  for (unsigned i = 0; i < count && !in_use; i++) in_use = ask(&caches[i], asked, bytes, &found);
  if (!in_use) return false;
  *answer = found.answer;
  *answer_bytes = found.answer_bytes;
  return true;
}

void cache_release(void) { in_use = false; }
