// SPDX-License-Identifier: Apache-2.0
// The objects of archived modules.
#ifndef PYCDS_RUNTIME_OBJECTS_H
#define PYCDS_RUNTIME_OBJECTS_H

#include "../archive/archive.h"

/* The code object of a unit just found, ready to run (borrowed; it is never freed), or
 * NULL when its part of the archive is damaged, or when another find came in between. No
 * Python exception is left set. */
PyObject *objects_code(struct archive *a, const struct found *found);

#endif
