// SPDX-License-Identifier: Apache-2.0
// Holds the garbage collector off while the outermost import runs (docs/decisions).
#ifndef PYCDS_RUNTIME_COLLECTOR_H
#define PYCDS_RUNTIME_COLLECTOR_H

#include <stdbool.h>

/* Reads PYCDS_GC; without the parts of `gc` that are needed nothing is held. `promotes`: whether
 * imports may move young objects to the oldest generation, for which those that are frozen have to be counted. Not in
 * a snapshot with modules, whose objects are all frozen: counting would touch each. */
void collector_start(bool promotes);

/* Around each import. Calls nest; a pending exception is kept. */
void collector_hold(void);
void collector_release(void);

#endif
