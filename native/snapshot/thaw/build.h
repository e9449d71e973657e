// SPDX-License-Identifier: Apache-2.0
// Makes the hand-over.
#ifndef PYCDS_SNAPSHOT_BUILD_H
#define PYCDS_SNAPSHOT_BUILD_H

#include "../handover.h"
#include "conditions.h"
#include "place.h"
#include "started.h"

/* Maps the code that runs in between, its stack and the hand-over, and fills that in. NULL and a reason when that is not
 * possible; nothing is left then. */
struct handover *handover_build(const struct snapshot *snapshot, const struct placement *placement,
                                const struct process *process, const struct started *started,
                                enum snapshot_reject *reject);

/* Unmaps all. */
void handover_discard(struct handover *handover);

/* Leaves the old world. Does not return. */
__attribute__((noreturn)) void handover_leave(struct handover *handover);

#endif
