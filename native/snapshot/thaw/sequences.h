// SPDX-License-Identifier: Apache-2.0
// Restartable sequences (rseq): an area of each thread that the kernel writes to.
#ifndef PYCDS_SNAPSHOT_SEQUENCES_H
#define PYCDS_SNAPSHOT_SEQUENCES_H

#include <stdbool.h>

#include "../read.h"

/* Whether this kernel fills in all that the frozen C library expects. */
bool sequences_fit(const struct snapshot *snapshot);

/* Takes the area of this thread from the kernel; `bytes`: how long it is, for sequences_take_back. */
enum snapshot_reject sequences_give_up(uint32_t *bytes);

void sequences_take_back(uint32_t bytes);

#endif
