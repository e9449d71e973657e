// SPDX-License-Identifier: Apache-2.0
// Replaces a process that has just been started by a snapshot of the same interpreter.
#ifndef PYCDS_SNAPSHOT_THAW_H
#define PYCDS_SNAPSHOT_THAW_H

#include <stdbool.h>

#include "../interpreter.h"
#include "../reject.h"
#include "../template.h"

/* Tries a snapshot; NULL: there is none, "off": it is not to be used. Returns only when none is used, and then all is as
 * before: with SNAPSHOT_ACCEPTED and a path that is NULL where there is none. Leaves an exception with
 * SNAPSHOT_REJECT_INTERRUPTED, and else none. */
enum snapshot_reject thaw(const char **path);

/* Of a start that SNAPSHOT_REJECT_ENVIRONMENT was the answer to: the name of a variable that differs; SNAPSHOT_REJECT_SOURCE_CHANGED:
 * the path of what differs. NULL: not known. */
const char *thaw_about(void);

/* In a template: takes over what it may call, with `self` for `run`, and returns true. */
bool thaw_is_template(PyObject *self, const struct template_calls *calls);

#endif
