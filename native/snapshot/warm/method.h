// SPDX-License-Identifier: Apache-2.0
#ifndef PYCDS_SNAPSHOT_METHOD_H
#define PYCDS_SNAPSHOT_METHOD_H

#include "../../cpython/pyapi.h"

/* The head of CPython's PyMethodDescrObject (Include/cpython/descrobject.h): a method of a class in C, or a class method. */
struct method {
  intptr_t refcount;
  PyTypeObject *type, *of;
  PyObject *name, *qualified;
  PyMethodDef *definition;
};

#endif
