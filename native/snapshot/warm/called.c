// SPDX-License-Identifier: Apache-2.0
#include "called.h"

#include "../../cpython/object.h"
#include "pairs.h"

PYCDS_PYAPI PyObject *PyFrame_GetCode(void *frame);

/* Of a code that was executed while a module was being loaded, and the module's name. Never freed. */
static struct pairs called;
static PyObject *during; /* what is being loaded; NULL: nothing */

void called_note(void *frame) {
  if (!during) return;
  PyObject *code = PyFrame_GetCode(frame);
  struct pair one = {code, during};
  if (pairs_has(&called, one))
    drop(code);
  else
    pairs_add(&called, one);
}

void called_during(PyObject *name) { during = name ? keep(name) : NULL; }

PyObject *called_by(PyObject *self, PyObject *code) {
  (void)self;
  PyObject *names = PyList_New(0);
  for (size_t i = 0; names && i < called.room; i++) {
    if (called.places[i].first == code) PyList_Append(names, (PyObject *)called.places[i].second);
  }
  return names;
}

PyObject *called_all(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  PyObject *found = PyDict_New();
  for (size_t i = 0; found && i < called.room; i++) {
    PyObject *code = (PyObject *)(uintptr_t)called.places[i].first,
             *name = (PyObject *)(uintptr_t)called.places[i].second;
    if (!code) continue;
    PyObject *codes = item_of(found, name);
    if (!codes) {
      codes = PyList_New(0);
      PyDict_SetItem(found, name, codes);
      drop(codes);
    }
    PyList_Append(codes, code);
  }
  return found;
}
