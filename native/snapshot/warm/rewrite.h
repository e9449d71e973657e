// SPDX-License-Identifier: Apache-2.0
#ifndef PYCDS_SNAPSHOT_REWRITE_H
#define PYCDS_SNAPSHOT_REWRITE_H

#include "../interpreter.h"

/* rewrite(value, fresh): gives an object of bytes other ones, as many as it has. Whoever holds it holds these then, as it
 * would if they had been drawn in this process. */
PyObject *rewrite_bytes(PyObject *self, PyObject *args);

#endif
