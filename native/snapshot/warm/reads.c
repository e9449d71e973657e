// SPDX-License-Identifier: Apache-2.0
// Sees who asks the standard streams what they are like, in a template that is watched: each start makes them by what it has.
#include "reads.h"

#include <string.h>

#include "../../cpython/object.h"
#include "../../cpython/type.h"

static struct {
  PyObject *note;
  getattro original;
  bool noting; /* who is told asks them, too */
} reads;

static const char *which_of(PyObject *stream) {
  static const char *const names[] = {"__stdin__", "__stdout__", "__stderr__"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (PySys_GetObject(names[i]) == stream) return names[i];
  }
  return NULL;
}

static PyObject *read(PyObject *stream, PyObject *name) {
  const char *which = reads.noting ? NULL : which_of(stream);
  if (which) {
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    reads.noting = true;
    PyObject *text = PyUnicode_FromStringAndSize(which, (Py_ssize_t)strlen(which));
    drop(text ? PyObject_CallFunctionObjArgs(reads.note, text, name, NULL) : NULL);
    drop(text);
    reads.noting = false;
    PyErr_Clear();
    PyErr_Restore(type, error, traceback);
  }
  return reads.original(stream, name);
}

bool reads_watch(PyObject *note) {
  PyObject *io = PyImport_ImportModule("_io");
  PyObject *type = io ? PyObject_GetAttrString(io, "TextIOWrapper") : NULL;
  reads.note = note;
  /* Never given back. */
  bool done = type && type_stand_before((PyTypeObject *)(void *)type, read, &reads.original);
  drop(type);
  drop(io);
  return done;
}
