// SPDX-License-Identifier: Apache-2.0
// The frames of importlib that stand below a module body while it runs: a library that counts frames to find who
// imports it, a traceback and a profile see those that they would see without us.
#ifndef PYCDS_RUNTIME_FRAMES_H
#define PYCDS_RUNTIME_FRAMES_H

#include "importlib.h"

/* For an import system that is known, while its functions are its own. Without frames everything works all the same. */
void frames_start(void);

/* Runs the code of a module body as exec does, its events included. */
PyObject *frames_run(PyObject *code, PyObject *namespace);

/* Imports a parent package; `import` is what _find_and_load was given. */
PyObject *frames_import(PyObject *import, PyObject *name);

#endif
