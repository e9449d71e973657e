// SPDX-License-Identifier: Apache-2.0
// The variables of the environment as the C library has them: libraries set some there that Python's os.environ does not know of, and
// child processes get them.
#ifndef PYCDS_SNAPSHOT_VARIABLES_H
#define PYCDS_SNAPSHOT_VARIABLES_H

#include "../../cpython/pyapi.h"

/* c_variables(): all of them, each as bytes "NAME=value", in their order. */
PyObject *variables_all(PyObject *self, PyObject *unused);

/* set_c_variable(one of these): behind all others, where there is none of that name. Nobody hears of it. */
PyObject *variables_set(PyObject *self, PyObject *entry);

#endif
