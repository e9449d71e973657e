// SPDX-License-Identifier: Apache-2.0
// Whether a snapshot is worth its while for the main program that is started.
#ifndef PYCDS_SNAPSHOT_THAW_PROGRAM_H
#define PYCDS_SNAPSHOT_THAW_PROGRAM_H

#include "../read.h"

/* A snapshot that names no programs is used for all of them. */
enum snapshot_reject program_check(const struct snapshot *snapshot);

#endif
