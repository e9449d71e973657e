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

#define TIMES_VERSION(number) enum { TIMES_FORMAT = number };
#define TIME(name, meaning)
#include "times.def"
#undef TIMES_VERSION
#undef TIME

struct times {
#define TIMES_VERSION(number)
#define TIME(name, meaning) int64_t name;
#include "times.def"
#undef TIMES_VERSION
#undef TIME
};

#endif
