// SPDX-License-Identifier: Apache-2.0
// The directory in which archives are kept that were learned.
#ifndef PYCDS_LEARN_STORE_H
#define PYCDS_LEARN_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "task.h"

#define STORE_NAME_BYTES 64

/* A key and what comes behind it. */
void store_name(char name[STORE_NAME_BYTES], const char *key, const char *suffix);

/* Bytes that come behind one another. */
struct store_part {
  const void *bytes;
  size_t length;
};

/* Writes a file that is there whole or not at all, if it is to be `durable` even when the machine stops meanwhile; nobody
 * but its owner may read it. False when that cannot be. */
bool store_write(const struct learn_task *task, const char *suffix, const struct store_part *parts, size_t count,
                 bool durable);

/* Removes what nobody has used for long, what somebody has left half written, and then the oldest until no more than
 * the limit is left; what belongs to the key of the task stays. */
void store_clean(const struct learn_task *task);

#endif
