// SPDX-License-Identifier: Apache-2.0
// The loaded libraries, and modules that are loaded as if they had never been. A library is known by the address of what describes it.
#ifndef PYCDS_SNAPSHOT_LIBRARIES_H
#define PYCDS_SNAPSHOT_LIBRARIES_H

#include "../../cpython/pyapi.h"

/* libraries(): addresses of what describes the loaded libraries. */
PyObject *libraries_all(PyObject *self, PyObject *unused);

/* global_scope(): those of them whose symbols all see, in their order, behind the program; empty: it is not known. */
PyObject *libraries_global(PyObject *self, PyObject *unused);

/* leave_global(count): only the first of them stay there. */
PyObject *libraries_leave_global(PyObject *self, PyObject *count);

/* refuses(address): None, or why that library cannot be loaded anew. */
PyObject *libraries_refuses(PyObject *self, PyObject *number);

/* needed(address): the addresses of those that the library depends on. */
PyObject *libraries_needed(PyObject *self, PyObject *number);

/* keys_of(address of a library, offset): the address of its keys in the storage of this thread, or 0. */
PyObject *libraries_keys(PyObject *self, PyObject *args);

/* places_of(address of a library, bytes): where its variables have them. */
PyObject *libraries_places(PyObject *self, PyObject *args);

/* write_at(address, bytes) */
PyObject *libraries_write(PyObject *self, PyObject *args);

/* load_anew(addresses, [(module, is of a library), ...]): what is imported from now on is loaded as if it had never been. */
PyObject *libraries_load_anew(PyObject *self, PyObject *args);

#endif
