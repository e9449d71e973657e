// SPDX-License-Identifier: Apache-2.0
// Which modules there would be at an effect that looks through all of them: native/snapshot/warm/located.py.
#ifndef PYCDS_RUNTIME_WARM_LOCATED_H
#define PYCDS_RUNTIME_WARM_LOCATED_H

#include "../../cpython/object.h"

/* A module that is being put in place, as one that is being loaded; of one that has asked for it `outer`. */
struct loading {
  PyObject *name;
  Py_ssize_t place; /* how many there were in sys.modules when it began */
  const struct loading *outer;
};

/* The load of a module begins, within the innermost that has not ended. */
void located_begin(struct loading *own, PyObject *name);
void located_end(const struct loading *own);

/* The effect itself; where it looks through all modules, with those that there are (a new reference, or NULL). */
PyObject *located_effect(PyObject *effect);

#endif
