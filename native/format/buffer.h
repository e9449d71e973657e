// SPDX-License-Identifier: Apache-2.0
// A growing byte buffer. It records failure instead of returning it at every call: check `failed`, or ask for the
// error, once, at the end.
#ifndef PYCDS_BUFFER_H
#define PYCDS_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pycds_buffer {
  uint8_t *bytes;
  size_t length;
  size_t capacity;
  bool failed;
  bool too_long; /* why it failed: a length that the archive cannot tell */
};

/* Appends `length` bytes; with bytes == NULL, zeros. Returns their offset. */
size_t pycds_buffer_put(struct pycds_buffer *buffer, const void *bytes, size_t length);
/* Appends a number as pycds_take_varint reads it. */
void pycds_buffer_put_varint(struct pycds_buffer *buffer, uint32_t value);
/* Appends zeros until the length is a multiple of `alignment`, a power of two. */
void pycds_buffer_align(struct pycds_buffer *buffer, size_t alignment);
/* A length as the archive tells it. One of 4 GiB or more is a failure, instead of becoming another length. */
uint32_t pycds_buffer_narrow(struct pycds_buffer *buffer, size_t length);
/* NULL, or a static sentence on why it failed. */
const char *pycds_buffer_error(const struct pycds_buffer *buffer);
void pycds_buffer_free(struct pycds_buffer *buffer);

#endif
