// SPDX-License-Identifier: Apache-2.0
// Makes what importing a source file leaves behind: spec, loader, module attributes.
#ifndef PYCDS_RUNTIME_PARTS_H
#define PYCDS_RUNTIME_PARTS_H

#include "../archive/facts.h"
#include "../host/importlib.h"

/* The texts of a module as objects; each may be NULL where there is none. */
struct parts {
  PyObject *name;      /* borrowed: the object that was asked for */
  PyObject *origin;    /* __file__ */
  PyObject *cached;    /* __cached__, where importlib would have computed it */
  PyObject *directory; /* the first entry of a package's __path__ */
};

/* False leaves nothing to clear and no exception. */
bool parts_make(struct parts *parts, PyObject *name, const struct facts *facts);
void parts_clear(struct parts *parts);

/* A genuine SourceFileLoader, and a genuine ModuleSpec as the path finder returns it. */
PyObject *loading_loader(const struct parts *parts);
PyObject *loading_spec(const struct parts *parts, PyObject *loader);

/* A module with its attributes in importlib's order; `package` is its __package__. */
PyObject *loading_module(const struct parts *parts, PyObject *spec, PyObject *loader, PyObject *package);

#endif
