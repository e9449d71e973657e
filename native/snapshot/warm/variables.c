// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "variables.h"

#include <stdlib.h>
#include <string.h>

#include "../../cpython/object.h"

extern char **environ;

PyObject *variables_all(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  PyObject *list = PyList_New(0);
  for (char **entry = environ; list && entry && *entry; entry++) {
    PyObject *bytes = PyBytes_FromStringAndSize(*entry, (Py_ssize_t)strlen(*entry));
    PyList_Append(list, bytes);
    drop(bytes);
  }
  return list;
}

PyObject *variables_set(PyObject *self, PyObject *entry) {
  (void)self;
  char *bytes;
  Py_ssize_t count;
  if (PyBytes_AsStringAndSize(entry, &bytes, &count) != 0) return NULL;
  const char *value = strchr(bytes, '=');
  char *name = value ? strndup(bytes, (size_t)(value - bytes)) : NULL;
  if (name) setenv(name, value + 1, 1);
  free(name);
  return none();
}
