// SPDX-License-Identifier: Apache-2.0
// XXH64, the checksum of every part of an archive (public specification:
// "XXH64 algorithm description" of the xxHash project). Not cryptographic: it finds
// damage, it does not authenticate.
#ifndef PYCDS_HASH_H
#define PYCDS_HASH_H

#include <stddef.h>
#include <stdint.h>

/* XXH64 of `length` bytes with seed 0. */
uint64_t pycds_hash(const void *bytes, size_t length);

/* What the index of an archive holds for a unit: its name's hash, different for each kind. */
static inline uint64_t pycds_unit_hash(uint32_t kind, const void *name, size_t length) {
  return pycds_hash(name, length) + kind * UINT64_C(0x9E3779B97F4A7C15);
}

#endif
