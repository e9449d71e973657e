// SPDX-License-Identifier: Apache-2.0
// Puts a snapshot in the place of this process.
#ifndef PYCDS_SNAPSHOT_REPLACE_H
#define PYCDS_SNAPSHOT_REPLACE_H

#include "conditions.h"
#include "open.h"
#include "started.h"

/* `began`: CLOCK_MONOTONIC in milliseconds, when the start of it all was. Returns only when there is no way forward; then
 * all is as before. */
enum snapshot_reject replace(const struct opened *opened, const struct process *process, const struct started *started,
                             double began);

#endif
