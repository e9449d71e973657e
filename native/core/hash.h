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

#endif
