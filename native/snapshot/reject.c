// SPDX-License-Identifier: Apache-2.0
#include "reject.h"

#include <string.h>

static const struct {
  const char *code, *sentence;
} rejects[] = {
    {"ACCEPTED", "the snapshot is used"},
#define REJECT(code, sentence) {#code, sentence},
#include "refusals.def"
#undef REJECT
};

const char *snapshot_reject_code(enum snapshot_reject reject) { return rejects[reject].code; }
const char *snapshot_reject_sentence(enum snapshot_reject reject) { return rejects[reject].sentence; }

enum snapshot_reject snapshot_reject_of(const char *code) {
  for (int i = 1; i < SNAPSHOT_REJECT_COUNT; i++) {
    if (strcmp(rejects[i].code, code) == 0) return (enum snapshot_reject)i;
  }
  return SNAPSHOT_ACCEPTED;
}
