// SPDX-License-Identifier: Apache-2.0
// The instructions of code objects as they are before they run, which an archive holds (format/fresh.h).
#ifndef PYCDS_RUNTIME_LEARN_INSTRUCTIONS_H
#define PYCDS_RUNTIME_LEARN_INSTRUCTIONS_H

#include <stdbool.h>

#include "../../cpython/pyapi.h"
#include "../../format/buffer.h"

/* Puts those of a code object and of all in it, outer before inner, to `out`, where the archiver cannot tell them from
 * bytecode and the sample that is recorded here. False when they are needed and cannot be had. */
bool learn_instructions(PyObject *code, struct pycds_buffer *out);

#endif
