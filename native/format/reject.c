// SPDX-License-Identifier: Apache-2.0
#include "reject.h"

static const struct {
  const char *code, *sentence;
} rejects[] =
    {
        {"ACCEPTED", "the archive is used"},
#define REJECT(code, sentence) {#code, sentence},
#include "reject.def"
#undef REJECT
},
  misses[] = {
      {"SERVED", "served from the archive"},
#define MISS(code, sentence) {#code, sentence},
#include "miss.def"
#undef MISS
};

const char *pycds_reject_code(enum pycds_reject reject) { return rejects[reject].code; }
const char *pycds_reject_sentence(enum pycds_reject reject) { return rejects[reject].sentence; }
const char *pycds_miss_code(enum pycds_miss miss) { return misses[miss].code; }
const char *pycds_miss_sentence(enum pycds_miss miss) { return misses[miss].sentence; }
