// SPDX-License-Identifier: Apache-2.0
// XXH64, the checksum of the parts of an archive (public specification: "XXH64 algorithm
// description" of the xxHash project), and for its large parts one that is twice as
// fast. Not cryptographic: they find damage, they do not authenticate.
#ifndef PYCDS_HASH_H
#define PYCDS_HASH_H

#include <stddef.h>
#include <stdint.h>

/* XXH64 of `length` bytes with seed 0. */
uint64_t pycds_hash(const void *bytes, size_t length);

/* The checksum of the two parts of a block: eight sums over all words of 64 bits, in which no
 * change of one word gets lost, and the XXH64 of these sums and the length. */
uint64_t pycds_block_hash(const void *bytes, size_t length);

#endif
