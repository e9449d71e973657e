// SPDX-License-Identifier: Apache-2.0
// Goes on with the clock of a measured start: see ../../cpython/times.h.
#ifndef PYCDS_RUNTIME_CLOCK_H
#define PYCDS_RUNTIME_CLOCK_H

/* Does nothing where no clock was handed over to this process. */
void clock_start(void);

/* An import of a module that was not there begins. */
void clock_import(void);

#endif
