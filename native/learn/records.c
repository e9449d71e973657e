// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "records.h"

#include <string.h>

#include "../static/sys/text.h"

/* Other languages have no greater integers. */
#define MAX_NUMBER ((INT64_C(1) << 53) - 1)

bool record_read(const uint8_t *at, const uint8_t *end, struct record_frame *out) {
  size_t lengths[RECORD_MAX_FIELDS];
  *out = (struct record_frame){.kind = (const char *)at};
  while (at < end && *at != ' ' && *at != '\n') at++;
  out->kind_bytes = (size_t)((const char *)at - out->kind);
  while (at < end && *at == ' ') {
    size_t length = 0;
    if (out->count == RECORD_MAX_FIELDS || ++at == end || *at < '0' || *at > '9') return false;
    for (; at < end && *at >= '0' && *at <= '9'; at++) {
      if (length > SIZE_MAX / 32) return false;
      length = length * 10 + (size_t)(*at - '0');
    }
    lengths[out->count++] = length;
  }
  if (at >= end || *at++ != '\n' || out->kind_bytes == 0) return false;
  for (size_t i = 0; i < out->count; i++) {
    if (lengths[i] > (size_t)(end - at)) return false;
    out->fields[i] = (struct record_field){at, lengths[i]};
    at += lengths[i];
  }
  out->end = at;
  return true;
}

enum field_type { TEXT, NUMBER, FLAG, BYTES, LIST };

static bool fits(enum field_type type, const struct record_field *field) {
  const char *bytes = field->bytes;
  int64_t number;
  if (type == NUMBER) return record_number(field, &number);
  return type != FLAG || (field->length == 1 && (*bytes == '0' || *bytes == '1'));
}

/* The types of the fields of a record: no more than RECORD_FIELDS of its name. */
#define VERSION(number) static const enum field_type types_of_version[] = {TEXT
#define RECORD(file, name, meaning)                                                                                    \
  }                                                                                                                    \
  ;                                                                                                                    \
  static const enum field_type types_of_##name[] = {
#define FIELD(name, type, meaning) type,
#include "../trace/records.def"
}
;
#undef VERSION
#undef RECORD
#undef FIELD

bool record_is_known(const struct record_frame *frame) {
  enum { RUN_LOG = 1, COMPILE_LIST = 0 };
  const enum field_type *types = NULL;
  size_t count = 0;
#define VERSION(number)
#define RECORD(file, name, meaning)                                                                                    \
  if (file && frame->kind_bytes == sizeof #name - 1 && memcmp(frame->kind, #name, sizeof #name - 1) == 0) {            \
    types = types_of_##name;                                                                                           \
    count = RECORD_FIELDS(name);                                                                                       \
  }
#define FIELD(name, type, meaning)
#include "../trace/records.def"
#undef VERSION
#undef RECORD
#undef FIELD
  if (!types || frame->count != count) return false;
  for (size_t i = 0; i < count; i++) {
    if (!fits(types[i], &frame->fields[i])) return false;
  }
  return true;
}

bool record_take(const struct record_frame *frame, const char *kind, size_t count, void *fields) {
  if (frame->count != count || text_length(kind) != frame->kind_bytes ||
      memcmp(kind, frame->kind, frame->kind_bytes) != 0) {
    return false;
  }
  memcpy(fields, frame->fields, count * sizeof *frame->fields);
  return true;
}

size_t record_head(char head[RECORD_HEAD_BYTES], const char *kind, const struct record_field *fields, size_t count) {
  size_t length = text_length(kind);
  memcpy(head, kind, length);
  for (size_t i = 0; i < count; i++) {
    char digits[TEXT_DECIMAL_BYTES];
    const char *number = text_of_decimal(digits, fields[i].length);
    head[length++] = ' ';
    memcpy(head + length, number, text_length(number));
    length += text_length(number);
  }
  head[length++] = '\n';
  return length;
}

bool record_number(const struct record_field *field, int64_t *out) {
  const char *at = field->bytes, *end = at + field->length;
  bool negative = field->length > 0 && *at == '-';
  int64_t value = 0;
  if (negative) at++;
  if (at == end || end - at > 18) return false;
  for (; at < end; at++) {
    if (*at < '0' || *at > '9') return false;
    value = value * 10 + (*at - '0');
  }
  *out = negative ? -value : value;
  return value <= MAX_NUMBER;
}
