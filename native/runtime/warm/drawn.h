// SPDX-License-Identifier: Apache-2.0
// Names that imports have drawn, which are others in each process: native/snapshot/warm/drawn.py.
#ifndef PYCDS_RUNTIME_WARM_DRAWN_H
#define PYCDS_RUNTIME_WARM_DRAWN_H

#include "entries.h"

/* Draws the name of an event DRAWN of a module that is being put in place. Whatever else has the text, and is not in place, has it
 * from then on. */
void drawn_anew(PyObject *payload, struct entry *entry);

#endif
