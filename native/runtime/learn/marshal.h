// SPDX-License-Identifier: Apache-2.0
// Code as bytes, as the interpreter itself writes it.
#ifndef PYCDS_RUNTIME_LEARN_MARSHAL_H
#define PYCDS_RUNTIME_LEARN_MARSHAL_H

#include <stdbool.h>
#include <stdint.h>

#include "../../cpython/pyapi.h"

/* Marshalled code, a new reference; NULL, without an exception, when there is none. `plain`: without references, where
 * the version of the format allows that: equal texts then give equal bytes. */
PyObject *learn_marshal(PyObject *code, bool plain);

/* The number that bytecode files of this interpreter begin with. */
bool learn_magic(uint8_t magic[4]);

#endif
