// SPDX-License-Identifier: Apache-2.0
// The state of the runtime in this process: one archive, the main interpreter.
#ifndef PYCDS_RUNTIME_RUNTIME_H
#define PYCDS_RUNTIME_RUNTIME_H

#include "../archive/facts.h"
#include "../host/importlib.h"

extern struct runtime {
  struct archive archive;
  bool active;    /* the archive is open and fits */
  bool taken;     /* importlib's _find_and_load is ours */
  PyObject *self; /* the module _pycds, which is the finder */
} runtime;

/* Finds a module in the archive. What `found` points to lives until the next find, which
 * may come from any Python code that runs in between. Leaves no exception. */
enum pycds_miss runtime_find(struct text name, struct found *found);

/* Whether the module may be served, searching `path`, a list. Runs no Python code. */
enum pycds_miss runtime_check(PyObject *path, const struct found *found);

#endif
