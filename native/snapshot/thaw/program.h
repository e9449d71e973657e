// SPDX-License-Identifier: Apache-2.0
// The main programs that a snapshot names.
#ifndef PYCDS_SNAPSHOT_THAW_PROGRAM_H
#define PYCDS_SNAPSHOT_THAW_PROGRAM_H

#include "../read.h"

struct main_program {
  enum snapshot_program_kind kind;
  char *text; /* UTF-8; of a script its path without symbolic links */
};

/* NULL: it is not among them. */
const struct snapshot_program *program_find(const struct snapshot *snapshot, const struct main_program *program);

#endif
