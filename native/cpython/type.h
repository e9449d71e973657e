// SPDX-License-Identifier: Apache-2.0
// What a class remembers, in the builds that have snapshots: CPython 3.11 to 3.13 on x86-64, with the global lock.
#ifndef PYCDS_CPYTHON_TYPE_H
#define PYCDS_CPYTHON_TYPE_H

#include <stdbool.h>

#include "pyapi.h"

/* Include/cpython/object.h: tp_getattro, tp_subclasses and tp_version_tag of PyTypeObject. */
#define TYPE_GETATTRO 144
#define TYPE_SUBCLASSES 360
#define TYPE_VERSION_TAG 384
/* Include/typeslots.h */
#define Py_tp_getattro 58
/* Include/object.h */
#define TYPE_IS_ON_HEAP (1UL << 9)
#define TYPE_HAS_VERSION (1UL << 19)

PYCDS_PYAPI void *PyType_GetSlot(PyTypeObject *, int);

/* Of a class on the heap: the dictionary of weak references to those that are derived from it, or NULL. */
static inline PyObject **type_subclasses(PyObject *type) { return (PyObject **)((char *)type + TYPE_SUBCLASSES); }

/* Another number after each change of the class, or of one that it is derived from; 0: nobody has asked it for anything since. */
static inline unsigned type_version(PyObject *type) { return *(unsigned *)((char *)type + TYPE_VERSION_TAG); }

typedef PyObject *(*getattro)(PyObject *, PyObject *);

/* Has a function asked for each attribute of the objects of a class; false: it is not known where that is to be put. */
static inline bool type_stand_before(PyTypeObject *type, getattro function, getattro *original) {
  getattro *slot = (getattro *)(void *)((char *)type + TYPE_GETATTRO);
  *original = (getattro)PyType_GetSlot(type, Py_tp_getattro);
  if (!*original || *slot != *original) return false;
  *slot = function;
  return true;
}

#endif
