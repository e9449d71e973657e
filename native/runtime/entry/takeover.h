// SPDX-License-Identifier: Apache-2.0
// Stands in for importlib._bootstrap._find_and_load, to which the interpreter's import
// statement and importlib.import_module come for each module that is not in sys.modules.
#ifndef PYCDS_RUNTIME_TAKEOVER_H
#define PYCDS_RUNTIME_TAKEOVER_H

#include "../host/importlib.h"

/* Puts it in place; false leaves everything as it was. */
bool takeover_install(void);

#endif
