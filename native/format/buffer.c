// SPDX-License-Identifier: Apache-2.0
#include "buffer.h"

#include <stdlib.h>
#include <string.h>

#include "assert.h"
#include "varint.h"

size_t pycds_buffer_put(struct pycds_buffer *buffer, const void *bytes, size_t length) {
  size_t offset = buffer->length;
  PYCDS_ASSERT(buffer->length <= buffer->capacity);
  if (buffer->failed || length > SIZE_MAX / 2 - offset) goto fail;
  if (offset + length > buffer->capacity) {
    size_t capacity = buffer->capacity ? buffer->capacity : 4096;
    while (capacity < offset + length) capacity *= 2;
    uint8_t *grown = realloc(buffer->bytes, capacity);
    if (!grown) goto fail;
    buffer->bytes = grown;
    buffer->capacity = capacity;
  }
  if (length > 0) {
    if (bytes) {
      memcpy(buffer->bytes + offset, bytes, length);
    } else {
      memset(buffer->bytes + offset, 0, length);
    }
  }
  buffer->length += length;
  PYCDS_ASSERT(buffer->length <= buffer->capacity);
  return offset;
fail:
  buffer->failed = true;
  return offset;
}

void pycds_buffer_put_varint(struct pycds_buffer *buffer, uint32_t value) {
  uint8_t digits[PYCDS_VARINT_BYTES];
  size_t count = 0;
  for (; value >= 0x80; value >>= 7) digits[count++] = PYCDS_NARROW(uint8_t, (value & 0x7f) | 0x80);
  digits[count++] = PYCDS_NARROW(uint8_t, value);
  PYCDS_ASSERT(count <= sizeof digits);
  pycds_buffer_put(buffer, digits, count);
}

void pycds_buffer_align(struct pycds_buffer *buffer, size_t alignment) {
  PYCDS_ASSERT(alignment > 0 && (alignment & (alignment - 1)) == 0);
  size_t rest = buffer->length & (alignment - 1);
  if (rest) pycds_buffer_put(buffer, NULL, alignment - rest);
  PYCDS_ASSERT(buffer->failed || buffer->length % alignment == 0);
}

uint32_t pycds_buffer_narrow(struct pycds_buffer *buffer, size_t length) {
  if (length <= UINT32_MAX) return (uint32_t)length;
  buffer->failed = buffer->too_long = true;
  return 0;
}

const char *pycds_buffer_error(const struct pycds_buffer *buffer) {
  if (!buffer->failed) return NULL;
  return buffer->too_long ? "a part of the archive would be 4 GiB or more" : "out of memory";
}

void pycds_buffer_free(struct pycds_buffer *buffer) {
  free(buffer->bytes);
  *buffer = (struct pycds_buffer){0};
}
