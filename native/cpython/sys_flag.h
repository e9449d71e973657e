// SPDX-License-Identifier: Apache-2.0
// How the interpreter was started, as sys.flags tells it.
#ifndef PYCDS_CPYTHON_SYS_FLAG_H
#define PYCDS_CPYTHON_SYS_FLAG_H

#include "pyapi.h"

/* The value of a flag by name; -1 when there is none, which counts as set. */
static inline long sys_flag(const char *name) {
  PyObject *flags = PySys_GetObject("flags");
  PyObject *value = flags ? PyObject_GetAttrString(flags, name) : NULL;
  long result = value ? PyLong_AsLong(value) : -1;
  if (value) Py_DecRef(value);
  PyErr_Clear();
  return result;
}

#endif
