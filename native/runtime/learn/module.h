// SPDX-License-Identifier: Apache-2.0
// Records the code that importlib reads or compiles.
#ifndef PYCDS_RUNTIME_LEARN_MODULE_H
#define PYCDS_RUNTIME_LEARN_MODULE_H

#include <stdbool.h>

#include "../../cpython/pyapi.h"
#include "../../learn/bytecode.h"

/* A module's source and bytecode file as they were before importlib looked at them. */
struct before {
  bool known;
  int64_t mtime;
  uint64_t size;
  PyObject *path; /* borrowed */
  char cached[4096];
  size_t cached_bytes;
  char bytecode[BYTECODE_IDENTITY_BYTES]; /* of a file that importlib accepts */
  size_t bytecode_bytes;                  /* 0: there is none */
};

/* To be called before a genuine loader is asked for its code. Leaves no exception. */
void learn_before(PyObject *loader, PyObject *name, struct before *before);

/* To be called with what it gave, which has not run yet. Leaves no exception. */
void learn_module(PyObject *name, PyObject *code, const struct before *before);

#endif
