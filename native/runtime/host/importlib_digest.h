// SPDX-License-Identifier: Apache-2.0
// By which an import system is recognised as one of importlib.def.
#ifndef PYCDS_RUNTIME_IMPORTLIB_DIGEST_H
#define PYCDS_RUNTIME_IMPORTLIB_DIGEST_H

#include <stdint.h>

#include "../../cpython/pyapi.h"

/* Digest of the functions that takeover.c stands in for; 0: one of them is no Python function. Leaves no exception. */
uint64_t importlib_digest(PyObject *bootstrap, PyObject *external);

#endif
