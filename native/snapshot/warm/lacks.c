// SPDX-License-Identifier: Apache-2.0
// Sees who looks for a name that a module does not have, in a template that is watched, and who finds a module there: what a program, or
// another import, may have put there before.
#include "lacks.h"

#include "../../cpython/object.h"
#include "../../cpython/type.h"

PYCDS_PYAPI extern PyObject *PyExc_AttributeError;
PYCDS_PYAPI int PyErr_ExceptionMatches(PyObject *);

static struct {
  PyObject *note, *found;
  getattro original;
  bool noting; /* who is told looks for names, too */
} lacks;

static PyObject *look_for(PyObject *module, PyObject *name) {
  PyObject *value = lacks.original(module, name);
  if (lacks.noting || (value ? type_of(value) != &PyModule_Type : !PyErr_ExceptionMatches(PyExc_AttributeError)))
    return value;
  PyObject *type, *error, *traceback;
  PyErr_Fetch(&type, &error, &traceback);
  lacks.noting = true;
  drop(value ? PyObject_CallFunctionObjArgs(lacks.found, module, name, value, NULL)
             : PyObject_CallFunctionObjArgs(lacks.note, module, name, NULL));
  lacks.noting = false;
  PyErr_Clear();
  PyErr_Restore(type, error, traceback);
  return value;
}

bool lacks_watch(PyObject *note, PyObject *found) {
  lacks.note = note;
  lacks.found = found;
  /* Never given back. */
  return type_stand_before(&PyModule_Type, look_for, &lacks.original);
}
