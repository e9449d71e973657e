// SPDX-License-Identifier: Apache-2.0
// Compiling a source string where nothing but code may come of it: what would fail or warn is left to the builtin, to do
// so in its own way. Shared by the runtime and the tracer, which both record what compiles silently.
#ifndef PYCDS_STRICT_COMPILE_H
#define PYCDS_STRICT_COMPILE_H

#include <stdbool.h>

#include "source_call.h"

/* False when this interpreter lacks something that is needed. Leaves no exception. */
bool strict_start(void);

/* Whether the program follows what Python code runs. */
bool strict_is_watched(void);

/* The code of a text; NULL, without an exception, when compiling it fails or warns. */
PyObject *strict_compile(const struct source_question *question);

#endif
