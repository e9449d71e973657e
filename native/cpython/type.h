// SPDX-License-Identifier: Apache-2.0
// What a class remembers, in the builds that have snapshots: CPython 3.11 to 3.13 on x86-64, with the global lock.
#ifndef PYCDS_CPYTHON_TYPE_H
#define PYCDS_CPYTHON_TYPE_H

#include "pyapi.h"

/* Include/cpython/object.h: tp_subclasses and tp_version_tag of PyTypeObject. */
#define TYPE_SUBCLASSES 360
#define TYPE_VERSION_TAG 384
/* Include/object.h */
#define TYPE_IS_ON_HEAP (1UL << 9)
#define TYPE_HAS_VERSION (1UL << 19)

/* Of a class on the heap: the dictionary of weak references to those that are derived from it, or NULL. */
static inline PyObject **type_subclasses(PyObject *type) { return (PyObject **)((char *)type + TYPE_SUBCLASSES); }

/* Another number after each change of the class, or of one that it is derived from; 0: nobody has asked it for anything since. */
static inline unsigned type_version(PyObject *type) { return *(unsigned *)((char *)type + TYPE_VERSION_TAG); }

#endif
