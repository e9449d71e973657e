// SPDX-License-Identifier: Apache-2.0
// Bytecode files, as importlib writes and accepts them for the source's size and time.
#ifndef PYCDS_LEARN_BYTECODE_H
#define PYCDS_LEARN_BYTECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "../static/sys/text.h"

#define BYTECODE_HEAD_BYTES 16
/* Four numbers and what is between them. */
#define BYTECODE_IDENTITY_BYTES (4 * TEXT_DECIMAL_BYTES)
/* Behind the magic number: the bytecode is for a hash of the source, which importlib compares, or does not. */
#define BYTECODE_OF_HASH 1u
#define BYTECODE_CHECKED 2u

/* What tells one file from every other, also from what replaces it; returns its length. Without the device, which is
 * another one in each container of an image. */
static inline size_t bytecode_identity(const struct stat *status, char out[BYTECODE_IDENTITY_BYTES]) {
  const uint64_t parts[] = {(uint64_t)status->st_ino, (uint64_t)status->st_size, (uint64_t)status->st_ctim.tv_sec,
                            (uint64_t)status->st_ctim.tv_nsec};
  size_t length = 0;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    char digits[TEXT_DECIMAL_BYTES];
    const char *number = text_of_decimal(digits, parts[i]);
    if (i > 0) out[length++] = ':';
    memcpy(out + length, number, text_length(number));
    length += text_length(number);
  }
  return length;
}

/* Whether a file that begins so is for the hash of a source, whatever that is. */
static inline bool bytecode_is_of_hash(const uint8_t head[BYTECODE_HEAD_BYTES], const uint8_t magic[4]) {
  uint32_t flags;
  memcpy(&flags, head + 4, sizeof flags);
  return memcmp(head, magic, 4) == 0 && (flags & BYTECODE_OF_HASH) && !(flags & ~(BYTECODE_OF_HASH | BYTECODE_CHECKED));
}

/* Whether importlib takes the code of a file that begins so, by the time and size of the source. */
static inline bool bytecode_fits(const uint8_t head[BYTECODE_HEAD_BYTES], const uint8_t magic[4], int64_t mtime,
                                 int64_t size) {
  uint32_t words[3];
  memcpy(words, head + 4, sizeof words);
  return memcmp(head, magic, 4) == 0 && words[0] == 0 && words[1] == (uint32_t)mtime && words[2] == (uint32_t)size;
}

#endif
