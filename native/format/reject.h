// SPDX-License-Identifier: Apache-2.0
// Why an archive, or one module of it, is not used; the lists are in the .def files.
#ifndef PYCDS_REJECT_H
#define PYCDS_REJECT_H

enum pycds_reject {
  PYCDS_ACCEPTED = 0,
#define REJECT(code, sentence) PYCDS_REJECT_##code,
#include "reject.def"
#undef REJECT
};

enum pycds_miss {
  PYCDS_SERVED = 0,
#define MISS(code, sentence) PYCDS_MISS_##code,
#include "miss.def"
#undef MISS
  PYCDS_MISS_COUNT
};

const char *pycds_reject_code(enum pycds_reject reject);
const char *pycds_reject_sentence(enum pycds_reject reject);
const char *pycds_miss_code(enum pycds_miss miss);
const char *pycds_miss_sentence(enum pycds_miss miss);

#endif
