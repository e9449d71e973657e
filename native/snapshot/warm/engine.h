// SPDX-License-Identifier: Apache-2.0
// A generator of random numbers that a library gives OpenSSL for that of all: the default of engines (ENGINE_METHOD_RAND).
#ifndef PYCDS_SNAPSHOT_ENGINE_H
#define PYCDS_SNAPSHOT_ENGINE_H

#include "../../cpython/pyapi.h"

/* engine_of(path of a library): that of the OpenSSL that it uses, as a number; 0: there is none. None: it is another library's, or
 * is for more than random numbers. */
PyObject *engine_of(PyObject *self, PyObject *path);

/* take_engine(number): OpenSSL knows of none then, and chooses a generator anew when it is asked for random numbers next. */
PyObject *engine_take(PyObject *self, PyObject *number);

/* give_engine(number): as the library gave it. */
PyObject *engine_give(PyObject *self, PyObject *number);

#endif
