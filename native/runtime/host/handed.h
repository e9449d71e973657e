// SPDX-License-Identifier: Apache-2.0
// Code that importlib's get_code has given to somebody, until it runs: who only looks at it, as tools do, imports
// nothing, so modules are counted as served or missed when their code runs.
#ifndef PYCDS_RUNTIME_HANDED_H
#define PYCDS_RUNTIME_HANDED_H

#include <stdbool.h>

#include "../../cpython/object.h"
#include "../../format/reject.h"

/* `told`: handed_runs will be called for each code object that the interpreter's exec is given. Otherwise code counts
 * as run when it is given to somebody. */
void handed_start(bool told);

/* Code of the module `name` was given to somebody: from the archive, or why not. */
void handed_note(PyObject *code, PyObject *name, enum pycds_miss miss);

/* Code is about to run; true when it came from the archive and runs for the first time. */
bool handed_runs(PyObject *code);

/* For reports: why the finder has left that module to the path finder, where the reason is not known better by what
 * is asked next. */
void handed_note_reason(PyObject *name, enum pycds_miss miss);
enum pycds_miss handed_reason(PyObject *name, enum pycds_miss otherwise);

#endif
