// SPDX-License-Identifier: Apache-2.0
#include "located.h"

#include "entries.h"

static const struct loading *innermost;

void located_begin(struct loading *own, PyObject *name) {
  own->name = name;
  own->place = PyDict_Size(importlib.modules);
  own->outer = innermost;
  innermost = own;
}

void located_end(const struct loading *own) { innermost = own->outer; }

/* ((name, place), ...), the first to begin first. */
static PyObject *names_of_loading(void) {
  Py_ssize_t count = 0;
  for (const struct loading *one = innermost; one; one = one->outer) count++;
  PyObject *all = PyTuple_New(count);
  for (const struct loading *one = innermost; all && one; one = one->outer) {
    PyObject *pair = PyTuple_New(2);
    if (!pair) break;
    PyTuple_SetItem(pair, 0, keep(one->name));
    PyTuple_SetItem(pair, 1, PyLong_FromLong((long)one->place));
    PyTuple_SetItem(all, --count, pair);
  }
  return all;
}

PyObject *located_effect(PyObject *effect) {
  if (!entry_is_named(PyTuple_GetItem(effect, 0), "located")) return keep(effect);
  PyObject *with = PyTuple_New(3), *then = PyTuple_New(3);
  if (with && then) {
    PyTuple_SetItem(then, 0, keep(PyTuple_GetItem(effect, 2)));
    PyTuple_SetItem(then, 1, PyLong_FromLong((long)PyDict_Size(importlib.modules)));
    PyTuple_SetItem(then, 2, names_of_loading());
    for (Py_ssize_t i = 0; i < 2; i++) PyTuple_SetItem(with, i, keep(PyTuple_GetItem(effect, i)));
    PyTuple_SetItem(with, 2, then);
    return with;
  }
  drop(with);
  drop(then);
  return NULL;
}
