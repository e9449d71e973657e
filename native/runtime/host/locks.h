// SPDX-License-Identifier: Apache-2.0
// importlib's module locks, taken only when somebody asks for them. A module that the
// take-over loads is noted here; as soon as importlib wants its lock (another thread that
// imports it, a reload), a genuine _ModuleLock is made that its importer holds, so that
// waiting and the detection of deadlocks are importlib's own.
#ifndef PYCDS_RUNTIME_LOCKS_H
#define PYCDS_RUNTIME_LOCKS_H

#include "../archive/facts.h"
#include "importlib.h"

struct in_flight;

/* Puts the stand-in for importlib's _get_module_lock in place. */
bool locks_install(void);

/* Notes that this thread loads a module. NULL when the module is being loaded already or
 * somebody holds its lock: then importlib has to do it. Leaves no exception. */
struct in_flight *locks_enter(PyObject *name, const struct facts *facts);

/* The module is loaded or has failed; wakes up who waits. Keeps a pending exception. */
void locks_leave(struct in_flight *entry);

/* Whether this thread is loading the module of that name by the take-over. */
bool locks_mine(struct text name);

#endif
