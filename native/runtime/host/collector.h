// SPDX-License-Identifier: Apache-2.0
// Keeps the garbage collector from looking at what imports leave behind (docs/decisions/0010).
#ifndef PYCDS_RUNTIME_COLLECTOR_H
#define PYCDS_RUNTIME_COLLECTOR_H

/* Reads PYCDS_GC; without the parts of `gc` that are needed nothing is done. */
void collector_start(void);

/* Before and after the body of a module from the archive: the objects made so far count as old. A pending
 * exception is kept. */
void collector_age(void);

#endif
