// SPDX-License-Identifier: Apache-2.0
// Whether importing a module without the archive would lead to the same file as in training.
#ifndef PYCDS_RUNTIME_CONDITIONS_H
#define PYCDS_RUNTIME_CONDITIONS_H

#include "../archive/facts.h"
#include "../host/importlib.h"

/* `path` is sys.path, or the __path__ of the parent. Leaves no exception. */
enum pycds_miss conditions_check(PyObject *path, const struct facts *facts, const struct pycds_header *header);

/* While nothing of the program runs: what importlib has, and where the process is, is looked at once. */
void conditions_remember(bool may);

/* Once, so that not each module is looked for in all lists of frozen ones. */
void conditions_list_frozen(void);

/* Whether the path finder itself would be asked behind `finder` on sys.meta_path. */
bool conditions_path_finder_is_next(PyObject *finder);

/* The same, and nothing in front of `finder` can answer for that module. */
bool conditions_are_first(PyObject *finder, PyObject *name, const struct facts *facts);

/* Whether `importer`, one of the interpreter's own, is asked for that module before any other that could answer. */
bool conditions_reach(PyObject *importer, PyObject *name, const struct facts *facts);

/* Whether nothing along `path` has the module's name, and nothing about how modules are found or loaded was changed. */
bool conditions_find_nothing(PyObject *path, const struct facts *facts);

#endif
