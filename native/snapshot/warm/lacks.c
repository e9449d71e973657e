// SPDX-License-Identifier: Apache-2.0
// Sees who looks for a name that a module does not have, in a template that is watched: what a program may have put there before.
#include "lacks.h"

#include "../../cpython/object.h"
#include "../../cpython/type.h"

PYCDS_PYAPI extern PyObject *PyExc_AttributeError;
PYCDS_PYAPI int PyErr_ExceptionMatches(PyObject *);

static struct {
  PyObject *note;
  getattro original;
  bool noting; /* who is told looks for names, too */
} lacks;

static PyObject *look_for(PyObject *module, PyObject *name) {
  PyObject *value = lacks.original(module, name);
  if (value || lacks.noting || !PyErr_ExceptionMatches(PyExc_AttributeError)) return value;
  PyObject *type, *error, *traceback;
  PyErr_Fetch(&type, &error, &traceback);
  lacks.noting = true;
  drop(PyObject_CallFunctionObjArgs(lacks.note, module, name, NULL));
  lacks.noting = false;
  PyErr_Clear();
  PyErr_Restore(type, error, traceback);
  return NULL;
}

bool lacks_watch(PyObject *note) {
  lacks.note = note;
  /* Never given back. */
  return type_stand_before(&PyModule_Type, look_for, &lacks.original);
}
