// SPDX-License-Identifier: Apache-2.0
// The variables of a run in a process that was started without them.
#ifndef PYCDS_RESTORED_H
#define PYCDS_RESTORED_H

/* Sets those that lie in a file beside the tracer and that this process does not have. Nothing where there is no such
 * file. */
void restored_begin(void);

/* For a process that is a Python: writes into the run's logs why LD_PRELOAD alone would not have shown it, if so. */
void restored_note(void);

#endif
