// SPDX-License-Identifier: Apache-2.0
// The certificates that a TLS context has loaded, which can be those of another one in their place: to read them takes longer
// than all else that a context is made by. They hold no secret, and nothing that was drawn.
#ifndef PYCDS_SNAPSHOT_AUTHORITIES_H
#define PYCDS_SNAPSHOT_AUTHORITIES_H

#include "../../cpython/pyapi.h"

/* loading(make, note): what `make()` returns. In the meantime, where this thread has a context load certificates, `note(context,
 * path)` is called, with None for the path of OpenSSL itself: whether they need not be loaded. */
PyObject *authorities_loading(PyObject *self, PyObject *args);

/* take_store(context): the address of what has its certificates, which stays; 0: it cannot be had. */
PyObject *authorities_take(PyObject *self, PyObject *context);

/* give_store(context, address): whether the context has these from now on, and nobody else. */
PyObject *authorities_give(PyObject *self, PyObject *args);

#endif
