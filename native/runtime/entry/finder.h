// SPDX-License-Identifier: Apache-2.0
// The finder on sys.meta_path, in front of the path finder. It serves whatever does not
// come through the take-over: finders that others put further to the front, runpy,
// importlib.reload, and import systems that the take-over does not know.
#ifndef PYCDS_RUNTIME_FINDER_H
#define PYCDS_RUNTIME_FINDER_H

#include "../host/importlib.h"

/* find_spec(fullname, path=None, target=None), a method of the module _pycds. */
PyObject *finder_find_spec(PyObject *self, PyObject *args, PyObject *keywords);

/* Puts `self` directly in front of the path finder. */
bool finder_insert(PyObject *self);

#endif
