// SPDX-License-Identifier: Apache-2.0
// The archiver's side of cache.h: collects results and lays them out.
#ifndef PYCDS_CACHE_WRITE_H
#define PYCDS_CACHE_WRITE_H

#include "buffer.h"
#include "cache.h"

struct pycds_caches {
  struct pycds_buffer entries; /* the section CACHE */
  struct pycds_buffer places;  /* struct pycds_cache_slot of each entry, in their order */
};

/* A compiled regular expression as training recorded it. */
struct pycds_regex_input {
  bool is_bytes; /* the pattern's type */
  const void *pattern;
  size_t pattern_bytes;
  uint32_t asked; /* the flags asked for */
  uint32_t flags, groups;
  const void *words; /* the program, u32 each, little endian */
  size_t word_count;
  uint32_t name_count;
  const char *const *names;
  const uint32_t *name_groups;
};

/* A compiled source string as training recorded it. */
struct pycds_source_input {
  uint8_t mode, optimize; /* enum pycds_source_mode; 0 to 2 */
  uint32_t flags;
  const void *filename, *text, *marshal;
  size_t filename_bytes, text_bytes, marshal_bytes;
};

/* Failures are recorded in the buffers. */
void pycds_caches_add_regex(struct pycds_caches *caches, const struct pycds_regex_input *input);
void pycds_caches_add_source(struct pycds_caches *caches, const struct pycds_source_input *input);
/* Appends the section CACHE_INDEX. The first of several answers to one question counts. */
void pycds_caches_put_index(const struct pycds_caches *caches, struct pycds_buffer *out);
void pycds_caches_free(struct pycds_caches *caches);

#endif
