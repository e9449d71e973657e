// SPDX-License-Identifier: Apache-2.0
// Records what compile, exec and eval make of source strings in a training run.
#ifndef PYCDS_SOURCES_H
#define PYCDS_SOURCES_H

#include "../cpython/pyapi.h"

/* `namespace` is that of tracer.py, after it has run. */
void sources_start(PyObject *namespace);

#endif
