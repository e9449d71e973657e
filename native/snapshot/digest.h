// SPDX-License-Identifier: Apache-2.0
// A digest of several things in their order.
#ifndef PYCDS_SNAPSHOT_DIGEST_H
#define PYCDS_SNAPSHOT_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "../format/hash.h"

/* Of what `digest` is of, and these bytes behind it. */
static inline uint64_t digest_mix(uint64_t digest, const void *bytes, size_t length) {
  uint64_t pair[2] = {digest, pycds_hash(bytes, length)};
  return pycds_hash(pair, sizeof pair);
}

#endif
