// SPDX-License-Identifier: Apache-2.0
// A process that was forked by the one that learns, and imports on its own: its records go to the same helper.
#ifndef PYCDS_RUNTIME_LEARN_CHILD_H
#define PYCDS_RUNTIME_LEARN_CHILD_H

#include "../../learn/task.h"

/* In the process that learns: children may send records through the socket. */
void child_allow(int socket);

/* In a child: memory for its records, which the helper has been given; NULL where it is not to record. */
struct learn_shared *child_begin(void);

#endif
