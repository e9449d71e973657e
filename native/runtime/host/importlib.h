// SPDX-License-Identifier: Apache-2.0
// What the runtime uses of importlib, sys and builtins: looked up once, at start, so that
// what a program puts there later is noticed as a difference.
#ifndef PYCDS_RUNTIME_IMPORTLIB_H
#define PYCDS_RUNTIME_IMPORTLIB_H

#include <stdbool.h>
#include <stdint.h>

#include "../../cpython/object.h"

extern struct names {
#define NAME(identifier, text) PyObject *identifier;
#include "names.def"
#undef NAME
} names;

/* What the import systems of the supported CPythons do beyond the common part. */
enum feature {
  SETS_CACHED = 1,          /* modules have __cached__ */
  TRACKS_SUBMODULES = 2,    /* parent.__spec__._uninitialized_submodules */
  WAITS_FOR_PARENT = 4,     /* for a parent that another thread still initialises */
  WAITS_FOR_ANCESTORS = 8,  /* likewise for all packages above */
  RAISES_IMPORT_EVENT = 16, /* the audit event is importlib's duty, not C's */
  SETS_LAZY_ATTRIBUTES = 32,
  COUNTS_BUILTINS = 64, /* towards the recursion limit, as functions of Python */
  STACKS_STARRED = 128  /* functions with *args take more of the C stack */
};

/* Lines of importlib.def. */
struct import_lines {
  long find, find_unlocked, load, find_for_parent, parent;
};

struct importlib {
  PyObject *bootstrap;                                               /* _frozen_importlib */
  PyObject *bootstrap_dict, *sys_dict, *builtins_dict, *thread_dict; /* borrowed from their modules */
  PyObject *modules, *module_locks;
  PyObject *spec_type, *loader_type, *path_finder, *file_finder, *builtin_importer, *frozen_importer;
  PyObject *run, *exec;                 /* _call_with_frames_removed, builtins.exec */
  PyObject *object_new;                 /* object.__new__ */
  PyObject *is_frozen;                  /* _imp.is_frozen */
  PyObject *set_lazy_attributes;        /* _imp._set_lazy_attributes, or NULL */
  PyObject *path_hooks[2];              /* the two that CPython starts with */
  PyObject *get_ident;                  /* _thread.get_ident */
  PyObject *true_object, *false_object; /* as Python code sees them */
  uint64_t digest;                      /* 0: one of the functions is no Python function */
  bool known;                           /* digest is in importlib.def, and `features` holds */
  unsigned features;                    /* enum feature */
  struct import_lines lines;            /* 0 where the import system is not known */
};

extern struct importlib importlib;

/* False when this interpreter lacks something that the runtime needs. Leaves no exception. */
bool importlib_find(void);

/* Like getattr(object, name, None) (a new reference or NULL). */
PyObject *attribute_of(PyObject *object, PyObject *name);

/* The __path__ of a package, likewise. It is not an import that asks: a module that keeps what it was asked for is left
 * as it was. */
PyObject *search_path_of(PyObject *package);

#endif
