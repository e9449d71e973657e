// SPDX-License-Identifier: Apache-2.0
#ifndef PYCDS_SNAPSHOT_FRAMES_H
#define PYCDS_SNAPSHOT_FRAMES_H

#include <stdbool.h>

#include "../../cpython/pyapi.h"

/* From now on `note` is told of each frame that somebody gets hold of, as (the frame whose caller it is, frame), or as
 * (None, frame) where it was asked for by a number. The reference goes over to it. */
bool frames_watch(PyObject *note);

#endif
