// SPDX-License-Identifier: Apache-2.0
// Calls of the builtins compile, exec and eval: standing in for them, and what they ask for.
// Shared by the runtime, which answers, and the tracer, which records.
#ifndef PYCDS_SOURCE_CALL_H
#define PYCDS_SOURCE_CALL_H

#include <stdbool.h>

#include "../format/cache.h"
#include "pyapi.h"

enum source_builtin { SOURCE_COMPILE, SOURCE_EXEC, SOURCE_EVAL, SOURCE_BUILTINS };

/* A call as it was made: `count` arguments, then the values of the names in `keywords`. */
struct source_arguments {
  PyObject *const *items;
  Py_ssize_t count;
  PyObject *keywords; /* tuple or NULL */
};

typedef PyObject *(*source_handler)(enum source_builtin, const struct source_arguments *);

/* From now on calls of the three go to `handler`. The function objects stay the same ones,
 * with their name, signature, module and identity: only what they run is exchanged. False
 * when this interpreter's objects are not as expected; nothing is changed then. */
bool source_call_divert(source_handler handler);

/* Does what the builtin does itself. */
PyObject *source_call_stock(enum source_builtin builtin, const struct source_arguments *arguments);
/* The same with another first argument. */
PyObject *source_call_instead(enum source_builtin builtin, const struct source_arguments *arguments, PyObject *first);

/* What a call asks for. `source` and `filename` are borrowed; `text` is what is compiled. */
struct source_question {
  PyObject *source, *filename;
  const char *text, *filename_text;
  size_t text_bytes;
  struct pycds_question head;
};

/* Fills in the question; false, without an exception, when the call is none whose result
 * is the same each time: no str, no plain arguments, an AST wanted. `optimize` is the
 * interpreter's own level. The caller's frame must be the current one. */
bool source_call_question(enum source_builtin builtin, const struct source_arguments *arguments, uint8_t optimize,
                          struct source_question *out);

/* The compiler's start symbol of a mode. */
int source_call_start(uint8_t mode);

#endif
