// SPDX-License-Identifier: Apache-2.0
// Keeps the garbage collector from looking at what imports leave behind (docs/decisions/0010).
#ifndef PYCDS_RUNTIME_COLLECTOR_H
#define PYCDS_RUNTIME_COLLECTOR_H

#include <stdbool.h>

/* Reads PYCDS_GC; without the parts of `gc` that are needed nothing is done. `ages`: whether bodies may make objects old,
 * for which those that are frozen have to be counted. Not in a snapshot with modules, whose objects are all frozen:
 * counting would touch each. */
void collector_start(bool ages);

/* Before and after the body of a module from the archive, and before one whose code is recorded for an archive: the objects
 * made so far count as old. A pending exception is kept. */
void collector_age(void);

#endif
