// SPDX-License-Identifier: Apache-2.0
// What snapshots use of CPython's interface beside what the runtime does. Names and signatures: CPython's Doc/c-api.
#ifndef PYCDS_SNAPSHOT_INTERPRETER_H
#define PYCDS_SNAPSHOT_INTERPRETER_H

#include <wchar.h>

#include "../cpython/pyapi.h"

PYCDS_PYAPI int PyErr_CheckSignals(void);
PYCDS_PYAPI wchar_t *PyUnicode_AsWideCharString(PyObject *, Py_ssize_t *); /* to be freed with PyMem_Free */
PYCDS_PYAPI PyObject *PyUnicode_FromWideChar(const wchar_t *, Py_ssize_t);
PYCDS_PYAPI void PyMem_Free(void *);
PYCDS_PYAPI void *PyMem_RawMalloc(size_t);
PYCDS_PYAPI void PyMem_RawFree(void *);

#endif
