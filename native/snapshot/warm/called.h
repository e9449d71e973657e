// SPDX-License-Identifier: Apache-2.0
// Which code is executed while a module is being loaded.
#ifndef PYCDS_SNAPSHOT_CALLED_H
#define PYCDS_SNAPSHOT_CALLED_H

#include "../../cpython/pyapi.h"

/* A frame begins. */
void called_note(void *frame);

/* The name of what is being loaded from now on; NULL: nothing. */
void called_during(PyObject *name);

/* callers_of(code): the names of the modules whose import has executed it, of calls that were watched. */
PyObject *called_by(PyObject *self, PyObject *code);

/* codes_called(): by name of a module, the code that its import has executed, of calls that were watched. */
PyObject *called_all(PyObject *self, PyObject *unused);

#endif
