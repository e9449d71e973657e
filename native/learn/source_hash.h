// SPDX-License-Identifier: Apache-2.0
// importlib.util.source_hash, which traces name sources by.
#ifndef PYCDS_LEARN_SOURCE_HASH_H
#define PYCDS_LEARN_SOURCE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* `magic`: what bytecode files of the interpreter begin with. The hash is as importlib's bytes are, read little endian. */
uint64_t source_hash(uint32_t hexversion, const uint8_t magic[4], const uint8_t *bytes, size_t length);

#endif
