// SPDX-License-Identifier: Apache-2.0
// What importing would recompute each time: programs of compiled regular expressions and
// code objects of source strings. This header is the specification of two sections:
//
//   CACHE_INDEX   struct pycds_cache_slot[a power of two]; empty when nothing is cached
//   CACHE         the entries, in the order of first use in training
//
// An entry is a question (struct pycds_question and its texts, compared in full) and the
// answer to it.
#ifndef PYCDS_CACHE_H
#define PYCDS_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "varint.h"

/* Open addressing with linear probing; in an empty slot bytes is 0. */
struct pycds_cache_slot {
  uint64_t key;    /* XXH64 of the question */
  uint32_t offset; /* of the entry in the section CACHE */
  uint32_t bytes;  /* of the whole entry */
};
_Static_assert(sizeof(struct pycds_cache_slot) == 16, "cache slot size");

struct pycds_cache_entry {
  uint64_t hash; /* XXH64 of the rest of the entry */
  uint32_t question_bytes;
  uint32_t answer_bytes; /* follows the question at once */
};
_Static_assert(sizeof(struct pycds_cache_entry) == 16, "cache entry size");

enum pycds_question_kind {
  PYCDS_QUESTION_REGEX = 1,  /* re.compile: the answer is read with struct pycds_regex */
  PYCDS_QUESTION_SOURCE = 2, /* compile, exec, eval: the answer is the marshalled code */
};

enum pycds_pattern_type { PYCDS_PATTERN_STR = 0, PYCDS_PATTERN_BYTES = 1 };
enum pycds_source_mode { PYCDS_SOURCE_EXEC = 0, PYCDS_SOURCE_EVAL = 1, PYCDS_SOURCE_SINGLE = 2 };
#define PYCDS_SOURCE_MODES 3

/* As compile() is told; NULL for what is none. */
static inline const char *pycds_source_mode_name(unsigned mode) {
  static const char *const words[PYCDS_SOURCE_MODES] = {"exec", "eval", "single"};
  return mode < PYCDS_SOURCE_MODES ? words[mode] : NULL;
}

/* The head of a question. The file name (of a source), then the pattern or source text
 * follow, UTF-8 or, for a pattern of type bytes, as they are. */
struct pycds_question {
  uint8_t kind;            /* enum pycds_question_kind */
  uint8_t type;            /* enum pycds_pattern_type or enum pycds_source_mode */
  uint8_t optimize;        /* of a source: 0 to 2 */
  uint8_t reserved;        /* 0 */
  uint32_t flags;          /* as asked for; of a source also those it inherits */
  uint32_t filename_bytes; /* of a source */
};
_Static_assert(sizeof(struct pycds_question) == 12, "question size");

/* Views into an entry. */
struct pycds_cached {
  const uint8_t *question, *answer;
  uint32_t question_bytes, answer_bytes;
};

/* Splits an entry of `bytes` bytes; false when it is damaged. */
bool pycds_cache_split(const uint8_t *entry, uint32_t bytes, struct pycds_cached *out);

/* Number of slots of an index of that size; 0 when there can be none. */
uint32_t pycds_cache_slots(uint64_t index_bytes);

/* The answer for a regular expression is a sequence of varints:
 *   flags, groups, count of words, words..., count of names, (group, bytes, name)... */
struct pycds_regex {
  uint32_t flags, groups, words;
  struct pycds_cursor rest; /* what has not been read */
};

/* Begins to read: what follows are the words, the count of names and the names. */
bool pycds_regex_open(const uint8_t *answer, uint32_t bytes, struct pycds_regex *out);
bool pycds_regex_number(struct pycds_regex *regex, uint32_t *out);
/* A name is a group's number and `*bytes` bytes of UTF-8. */
bool pycds_regex_name(struct pycds_regex *regex, uint32_t *group, const char **name, uint32_t *bytes);

/* Checks index and entries completely and counts them. Returns NULL or a static sentence. */
struct pycds_cache_counts {
  uint32_t regexes, sources;
};
const char *pycds_cache_verify(const uint8_t *index, uint64_t index_bytes, const uint8_t *entries, uint64_t entry_bytes,
                               struct pycds_cache_counts *counts);

#endif
