// SPDX-License-Identifier: Apache-2.0
// Whether a program has put something in the place of those parts of importlib that the runtime stands in for.
#ifndef PYCDS_RUNTIME_REPLACED_H
#define PYCDS_RUNTIME_REPLACED_H

#include "importlib.h"

/* What the parts are needed for (replaced.def). */
enum use { READING, LOADING, FINDING };

/* Takes down what importlib consists of. What has been replaced already counts as replaced for ever. Called once,
 * when importlib has been found; leaves no exception. */
void replaced_start(void);

/* Whether one of the parts for `use` is another one than at the start. Leaves no exception. */
bool replaced_any(enum use use);

/* Whether one of the methods for READING is replaced on one loader: `attributes` is its __dict__. */
bool replaced_on_loader(PyObject *attributes);

/* Whether a function came with the interpreter, and is not one that replaced it. Class methods are asked for what they
 * bind. */
bool replaced_is_genuine(PyObject *function);

/* The runtime has put `instead` in the place of `stock`: that counts as no replacement. */
void replaced_by_us(PyObject *stock, PyObject *instead);

#endif
