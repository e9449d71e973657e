// SPDX-License-Identifier: Apache-2.0
#ifndef PYCDS_RUNTIME_LOCATE_H
#define PYCDS_RUNTIME_LOCATE_H

#include <stdbool.h>

#include "../../cpython/pyapi.h"

/* Whether variables that name a path do not count: whoever may not choose what an interpreter runs may not choose it by
 * an archive either. */
bool locate_ignores_paths(void);

/* Path of the archive: PYCDS_ARCHIVE where that is set (empty: none) and paths of the environment count, else the one beside the
 * runtime that `self` was loaded from, else the one of the whole image. Kept for the process. */
const char *locate_archive(PyObject *self);

/* Path of the file in which `prepare` says where to learn; there may be none. Kept for the process. */
const char *locate_learning(PyObject *self);

#endif
