// SPDX-License-Identifier: Apache-2.0
// Modules that a snapshot has imported already (snapshot/warm/), and its program has not. They are in no place where a
// program could see them, until it asks for one that plain importing would have found in the same file; then that one and
// all that its import had asked for are put where importing would have put them, in the same order.
#ifndef PYCDS_RUNTIME_SHADOW_H
#define PYCDS_RUNTIME_SHADOW_H

#include "../../format/archive_read.h"
#include "../host/importlib.h"

/* In a template: takes the modules over. `table` is a list of tuples, one for each module that was there before (kind
 * "base") or is set aside:
 *   name, module, kind, origin, entry of the search path, bytes, mtime, is a package, events (recorder.py),
 *   ((variable, hash of its value or None), ...), ((file, bytes or -1, mtime), ...), the module that others have to begin with or
 *   None, whether its package gets it as an attribute, (address of a library that was loaded for it, ...), (of those that all
 *   others see since, ...), (of the keys that Rust draws for hash maps, ...)
 * `prints`: ([namespace of a class, ...], [(names of the module that change as it does its work, (number of the namespace of a
 * class that it has, ...)), one for each module], [names of
 * counters, one for each of these namespaces]).
 * `key` is that of the hashes (_imp.source_hash), `may` and `put` are may_put_back and put_back of effects.py. False: the table is none. */
bool shadow_adopt(PyObject *table, PyObject *prints, PyObject *key, PyObject *may, PyObject *put);

/* Whether this process was made of a template with such modules. */
bool shadow_is_there(void);

/* In a process that was made of it, once the take-over is installed. False: there are no such modules. */
bool shadow_start(void);

/* Sets *module (a new reference) when a module is served; else it has to be imported. `finder` is ours. Leaves no
 * exception. */
bool shadow_serve(PyObject *name, PyObject *finder, const struct pycds_header *header, PyObject **module);

#endif
