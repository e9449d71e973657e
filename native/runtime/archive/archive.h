// SPDX-License-Identifier: Apache-2.0
// The archive in use by this process: opened once, read module by module.
#ifndef PYCDS_RUNTIME_ARCHIVE_H
#define PYCDS_RUNTIME_ARCHIVE_H

#include <stdbool.h>
#include <sys/types.h>

#include "../../cpython/pyapi.h"
#include "../../format/archive_read.h"

/* What a unit is looked up by: the name of its module, or the path of its source. */
enum archive_key { ARCHIVE_NAME, ARCHIVE_PATH, ARCHIVE_KEYS };

/* A hash table of the file, of which the pieces that were asked for have been read. */
struct index {
  uint64_t offset;
  uint8_t *bytes; /* memory for all of it */
  bool *read;     /* by piece */
};

/* Part of the file that was read, so that what lies next to it costs no further call. */
struct window {
  uint64_t offset;
  size_t length, capacity;
  uint8_t *bytes;
};

struct archive {
  const char *path;
  int fd;
  dev_t device;
  ino_t inode;
  struct pycds_header header;
  struct pycds_object_layout layout;
  uint64_t records_offset;
  struct index indexes[ARCHIVE_KEYS];
  struct window records, blocks;
  void *memory; /* of all that grows with the archive */
  size_t memory_bytes;
  uint8_t *arena; /* where the objects are made, one behind the other; never released */
  size_t arena_bytes, arena_used;
  PyObject **shared;  /* shared constants by number; NULL until their block is read */
  PyObject **codes;   /* code objects by record number; NULL until used */
  uint16_t *asked;    /* by record number: how many of its shared constants were made one by one, see make/objects.c */
  bool *handed_out;   /* by record number: the code object belongs to an import */
  PyObject **locals;  /* objects of the unit that is being made */
  struct block *open; /* shared parts that constants of it are made of */
  size_t locals_capacity;
  unsigned nesting;
  bool making;         /* objects are being made: nothing else can be found meanwhile */
  uint64_t generation; /* counts finds */
  unsigned later;      /* how many more modules it serves before it is read ahead; 0: see readahead.h */
};

/* A unit found in the archive; what it points to lives until the next find. */
struct found {
  struct archive *archive; /* that it was found in */
  uint64_t generation;
  uint32_t number;
  struct pycds_record record;
  struct pycds_unit_view unit;
};

/* Opens `path` and checks it against this interpreter. The descriptor is read-only.
 * `path` must outlive the archive. */
enum pycds_reject archive_open(struct archive *a, const char *path);

/* For many modules: few page faults, and few entries of the TLB for the constants, which are looked up most. What a few are made
 * of is a tenth of one such page. */
void archive_use_huge_pages(const struct archive *a);

/* Reads what the archive says of a unit. NOT_ARCHIVED, DAMAGED or SERVED (found). */
enum pycds_miss archive_find(struct archive *a, enum archive_key key, const char *text, size_t length,
                             struct found *out);

/* Record `number`; false when it is damaged. */
bool archive_record(struct archive *a, uint32_t number, struct pycds_record *record);

/* Has all of them read at once, for who looks for one among them. */
void archive_read_records(struct archive *a);

/* Reads from the file into memory of the caller. */
bool archive_read(const struct archive *a, uint64_t offset, void *into, size_t bytes);

/* A section that is not about units. */
bool archive_section(const struct archive *a, enum pycds_section_kind kind, struct pycds_section *out);
/* Whether the descriptor still is the archive's, after opening it again if need be. */
bool archive_is_open(struct archive *a);

#endif
