// SPDX-License-Identifier: Apache-2.0
// Why a snapshot is not used; the list is refusals.def.
#ifndef PYCDS_SNAPSHOT_REJECT_H
#define PYCDS_SNAPSHOT_REJECT_H

enum snapshot_reject {
  SNAPSHOT_ACCEPTED = 0,
#define REJECT(code, sentence) SNAPSHOT_REJECT_##code,
#include "refusals.def"
#undef REJECT
  SNAPSHOT_REJECT_COUNT
};

const char *snapshot_reject_code(enum snapshot_reject reject);
const char *snapshot_reject_sentence(enum snapshot_reject reject);

/* The reason of a code; SNAPSHOT_ACCEPTED for what is none. */
enum snapshot_reject snapshot_reject_of(const char *code);

#endif
