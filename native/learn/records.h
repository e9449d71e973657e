// SPDX-License-Identifier: Apache-2.0
// The records of trace/records.def in C: a struct for each, whose members are its fields in their order. What the
// runtime learns and what a training run traces are the same records.
#ifndef PYCDS_LEARN_RECORDS_H
#define PYCDS_LEARN_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct record_field {
  const void *bytes;
  size_t length;
};

#define VERSION(number)                                                                                                \
  enum { RECORDS_VERSION = number };                                                                                   \
  struct record_unused_ {
#define RECORD(file, name, meaning)                                                                                    \
  }                                                                                                                    \
  ;                                                                                                                    \
  struct record_##name {
#define FIELD(name, type, meaning) struct record_field name;
#include "../trace/records.def"
}
;
#undef VERSION
#undef RECORD
#undef FIELD

#define RECORD_FIELDS(name) (sizeof(struct record_##name) / sizeof(struct record_field))
#define RECORD_MAX_FIELDS 32
#define RECORD_HEAD_BYTES 512
_Static_assert(RECORD_FIELDS(process) <= RECORD_MAX_FIELDS, "the longest record");

/* A record as it lies in a log. */
struct record_frame {
  const char *kind; /* not terminated */
  size_t kind_bytes;
  size_t count;
  struct record_field fields[RECORD_MAX_FIELDS];
  const uint8_t *end; /* where the next one begins */
};

/* Reads the record at `at`; false when what is there is not a whole one. */
bool record_read(const uint8_t *at, const uint8_t *end, struct record_frame *out);

/* Whether the table has such a record in run logs: so many fields, and of their types. */
bool record_is_known(const struct record_frame *frame);

/* Whether a frame is of that kind with so many fields, which are copied. */
bool record_take(const struct record_frame *frame, const char *kind, size_t count, void *fields);
#define RECORD_TAKE(frame, name, out) record_take(frame, #name, RECORD_FIELDS(name), out)

/* Writes the head of a record, which its fields follow; returns its length. */
size_t record_head(char head[RECORD_HEAD_BYTES], const char *kind, const struct record_field *fields, size_t count);

/* An integer in decimal; false for anything else. */
bool record_number(const struct record_field *field, int64_t *out);

#endif
