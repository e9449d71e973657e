// SPDX-License-Identifier: Apache-2.0
// What the interpreter that is to be replaced was started with.
#ifndef PYCDS_SNAPSHOT_INTERPRETED_H
#define PYCDS_SNAPSHOT_INTERPRETED_H

#include "../key.h"
#include "conditions.h"
#include "started.h"

/* Finds the kernel's block of words and variables; false: this C library does not tell. */
bool interpreted_look(struct process *process);

/* Whether the process is the plain interpreter, started from that program. */
enum snapshot_reject interpreted_check(const struct process *process, const struct snapshot *snapshot);

/* Whether the snapshot is worth its while for the main program. One that names no programs is used for all of them. */
enum snapshot_reject interpreted_check_program(const struct snapshot *snapshot);

/* False: its configuration cannot be read. What it tells refers to that, and to `process`. */
bool interpreted_started(const struct process *process, const struct key_site *site, struct started *started);

#endif
