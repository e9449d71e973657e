// SPDX-License-Identifier: Apache-2.0
// What watch.c, a library of its own, has seen, for Python.
#ifndef PYCDS_SNAPSHOT_PROBE_H
#define PYCDS_SNAPSHOT_PROBE_H

#include "../../cpython/pyapi.h"

/* probe(): what the C library was asked since the last call: ((kind, value), ...).
 *
 * Of SEEDS, FORK, PROCESSORS, INPUT and ZONE: how often; of ENVIRONMENT: (name, address of what describes the library that has
 * read it); of TERMINALS: as in watch.h; of KEYS: (address of what describes a library, where they are in its storage); of
 * DRAWN: (library, bytes, how often it has drawn as many); of a fault (recorder.py): the library that asked, or the function. */
PyObject *probe(PyObject *self, PyObject *unused);

/* process_state(): the lines of pycds_watch_state. */
PyObject *probe_state(PyObject *self, PyObject *unused);

#endif
