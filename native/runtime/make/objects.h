// SPDX-License-Identifier: Apache-2.0
// The objects of archived modules.
#ifndef PYCDS_RUNTIME_OBJECTS_H
#define PYCDS_RUNTIME_OBJECTS_H

#include "../archive/archive.h"

/* The code object of a unit just found, ready to run (borrowed; it is never freed), or
 * NULL when its part of the archive is damaged, or when another find came in between. No
 * Python exception is left set. */
PyObject *objects_code(struct archive *a, const struct found *found);

/* Whether code of a record may still be handed to an import: to one in a process, as code that is read afresh is run by
 * one. */
static inline bool objects_are_left(const struct archive *a, uint32_t number) { return !a->handed_out[number]; }
static inline void objects_hand_out(const struct archive *a, uint32_t number) { a->handed_out[number] = true; }

#endif
