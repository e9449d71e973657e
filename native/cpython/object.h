// SPDX-License-Identifier: Apache-2.0
// What is done with any object.
#ifndef PYCDS_CPYTHON_OBJECT_H
#define PYCDS_CPYTHON_OBJECT_H

#include <string.h>

#include "pyapi.h"

static inline PyTypeObject *type_of(PyObject *object) {
  PyTypeObject *type; /* behind the reference count, in every build that is supported */
  memcpy(&type, (const char *)object + sizeof(intptr_t), sizeof type);
  return type;
}

static inline void drop(PyObject *object) {
  if (object) Py_DecRef(object);
}

static inline PyObject *keep(PyObject *object) {
  Py_IncRef(object);
  return object;
}

static inline PyObject *none(void) { return keep(&_Py_NoneStruct); }

/* An item of a dictionary (borrowed), or NULL; no exception is left. */
static inline PyObject *item_of(PyObject *dict, PyObject *key) {
  PyObject *value = PyDict_GetItemWithError(dict, key);
  if (!value) PyErr_Clear();
  return value;
}

#endif
