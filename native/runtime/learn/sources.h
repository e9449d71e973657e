// SPDX-License-Identifier: Apache-2.0
// Records the source strings that compile, exec and eval are given, with their code.
#ifndef PYCDS_RUNTIME_LEARN_SOURCES_H
#define PYCDS_RUNTIME_LEARN_SOURCES_H

#include "../../cpython/source_call.h"

/* `level`: the interpreter's optimisation. Leaves no exception. */
void learn_sources_start(uint8_t level);

#endif
