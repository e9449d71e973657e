// SPDX-License-Identifier: Apache-2.0
// Stands in for the method get_code of importlib's SourceLoader: whoever has found a source file, its code comes from the
// archive when it ends in a genuine SourceFileLoader. It serves finders of the program and what they wrap, specs that a
// program makes itself, importlib.util, runpy, importlib.reload, and import systems that the take-over does not know.
#ifndef PYCDS_RUNTIME_GET_CODE_H
#define PYCDS_RUNTIME_GET_CODE_H

#include "../host/importlib.h"

/* Puts it in place; false leaves everything as it was. */
bool get_code_install(void);

#endif
