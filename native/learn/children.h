// SPDX-License-Identifier: Apache-2.0
// What a child of the process that learns records: a server imports its application in its workers, after it has
// forked them. The runtime in the child makes memory for records of its own and sends it to the helper
// (runtime/learn/child.c); the helper takes from it only what was written by a process with its own rights.
#ifndef PYCDS_LEARN_CHILDREN_H
#define PYCDS_LEARN_CHILDREN_H

#include <stddef.h>
#include <stdint.h>

#include "task.h"

struct learn_children {
  struct learn_shared *lane; /* of the child that records at the moment; NULL: none does */
  int pid, descriptor;       /* of that child, and one that tells its end */
  uint64_t seen;             /* bytes of the lane that have been taken */
  int count;                 /* of children that have recorded */
  uint8_t *taken;            /* the records of all of them */
  size_t bytes;
};

/* Lets one child at a time record, and takes what it has recorded by now. */
void children_look(struct learn_children *children, const struct learn_task *task);

/* Tells the child that nobody takes its records any more. */
void children_end(struct learn_children *children);

#endif
