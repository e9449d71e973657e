// SPDX-License-Identifier: Apache-2.0
// The exception that is on its way while something else is done that may raise, and must leave none.
#ifndef PYCDS_CPYTHON_PENDING_H
#define PYCDS_CPYTHON_PENDING_H

#include "pyapi.h"

struct pending {
  PyObject *type, *value, *traceback; /* all NULL: there is none */
};

/* Takes it aside. */
static inline struct pending pending_take(void) {
  struct pending pending;
  PyErr_Fetch(&pending.type, &pending.value, &pending.traceback);
  return pending;
}

/* Sets it again, in the place of whatever was raised meanwhile. */
static inline void pending_restore(struct pending pending) {
  PyErr_Restore(pending.type, pending.value, pending.traceback);
}

#endif
