// SPDX-License-Identifier: Apache-2.0
#ifndef PYCDS_SNAPSHOT_ASKING_H
#define PYCDS_SNAPSHOT_ASKING_H

#include "../../cpython/pyapi.h"

/* watch_calls(function, note): has each call of a function in C, whoever makes it, call note(arguments, named arguments, result
 * or None, error or None) too; what that returns, unless it is None, is the result. The function stays the same object. */
PyObject *asking_watch(PyObject *self, PyObject *args);

#endif
