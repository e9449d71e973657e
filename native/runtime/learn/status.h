// SPDX-License-Identifier: Apache-2.0
#ifndef PYCDS_RUNTIME_LEARN_STATUS_H
#define PYCDS_RUNTIME_LEARN_STATUS_H

enum learn_status {
  LEARN_OFF, /* not asked for */
#define LEARN_STATUS(code, sentence) LEARN_##code,
#include "status.def"
#undef LEARN_STATUS
};

#endif
