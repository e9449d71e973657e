// SPDX-License-Identifier: Apache-2.0
// The clock of a measured start: one file per process, in a shared mapping, so that it survives a kill. The tracer begins it
// (PYCDS_TIME_DIR). Where PYCDS_TIME_HANDOVER is set too the process starts again without the tracer, whose presence a
// process snapshot would refuse, and the runtime of a baked image goes on with the file that PYCDS_TIME_FILE names.
#ifndef PYCDS_CPYTHON_TIMES_H
#define PYCDS_CPYTHON_TIMES_H

#include <stdint.h>

#define TIMES_DIRECTORY "PYCDS_TIME_DIR"
#define TIMES_HANDOVER "PYCDS_TIME_HANDOVER"
#define TIMES_FILE "PYCDS_TIME_FILE"

struct times {
  int64_t started, last_import, finished; /* nanoseconds, CLOCK_MONOTONIC */
  int64_t imports;
  int64_t bound; /* when a socket was last bound: a service that waits for requests is ready; only the tracer sees it */
};

#endif
