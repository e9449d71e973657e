// SPDX-License-Identifier: Apache-2.0
#ifndef PYCDS_SNAPSHOT_LACKS_H
#define PYCDS_SNAPSHOT_LACKS_H

#include <stdbool.h>

#include "../../cpython/pyapi.h"

/* From now on `note` is told of each name that somebody looks for in a module which has none of that name, as (module, name), and `found`
 * of each module that somebody finds in another one, as (module, name, module found). The references go over to it. */
bool lacks_watch(PyObject *note, PyObject *found);

#endif
