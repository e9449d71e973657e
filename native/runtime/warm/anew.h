// SPDX-License-Identifier: Apache-2.0
// Loading extension modules once more than CPython and the dynamic loader would: of a module that is ready and cannot be
// served, what has been loaded stays where it is, and the import that follows gets a fresh copy of the file, with variables
// of its own, as in a process that had never loaded it.
//
// glibc finds what is loaded by names and by the number of the file (struct link_map, elf/dl-load.c), CPython by name and
// path (Python/import.c). Both are made to find nothing any more. The public part of a link map is documented; of the
// rest nothing is changed that has not been recognised by its value.
#ifndef PYCDS_RUNTIME_ANEW_H
#define PYCDS_RUNTIME_ANEW_H

#include <stdbool.h>
#include <stddef.h>

#include "../../cpython/pyapi.h"

/* Addresses of the link maps of all loaded libraries but the program, in the order of the loader. The number of those that
 * there are, which may be more than `most`. */
size_t anew_libraries(void **maps, size_t most);

/* Whether a library can be loaded anew: NULL, or why not (a constant). Only while it can be found at the number that its
 * file had when it was loaded, as in a template. */
const char *anew_refuses(void *map);

/* Whether a library depends on another one. */
bool anew_needs(const void *map, const void *other);

/* Addresses of the link maps in the global scope, whose symbols all libraries see, in its order. The number of those that there
 * are, which may be more than `most`; 0: the scope is not recognised. In a template, before anything else of the scope. */
size_t anew_global(void **maps, size_t most);

/* Leaves only the first of them there. */
void anew_leave_global(size_t count);

/* Puts these behind the others, as loading them with RTLD_GLOBAL has done it in the template. */
void anew_join_global(void *const *maps, size_t count);

/* Has these libraries loaded anew when they are asked for again, but for those that any other library depends on. All of
 * them have been seen by anew_refuses, in this process or the template that it was made of. */
void anew_libraries_again(void *const *maps, size_t count);

/* Has CPython make a module of its own again, or one that was `loaded` from a library, in which case it forgets all that
 * it knows of it. */
void anew_module(PyObject *module, bool loaded);

#endif
