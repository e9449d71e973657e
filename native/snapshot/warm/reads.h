// SPDX-License-Identifier: Apache-2.0
#ifndef PYCDS_SNAPSHOT_READS_H
#define PYCDS_SNAPSHOT_READS_H

#include <stdbool.h>

#include "../../cpython/pyapi.h"

/* From now on `note` is told of each attribute of a standard stream that somebody asks for, as (which stream, name). The reference
 * goes over to it. */
bool reads_watch(PyObject *note);

#endif
