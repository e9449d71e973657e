// SPDX-License-Identifier: Apache-2.0
// Sees who looks for a name that a module does not have, in a template that is watched: what a program may have put there before.
#include "lacks.h"

#include "../../cpython/object.h"

/* Include/cpython/object.h: tp_getattro of PyTypeObject. */
#define AT_GETATTRO 144
/* Include/typeslots.h */
#define Py_tp_getattro 58

typedef PyObject *(*getattro)(PyObject *, PyObject *);

PYCDS_PYAPI void *PyType_GetSlot(PyTypeObject *, int);
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
  getattro *slot = (getattro *)(void *)((char *)&PyModule_Type + AT_GETATTRO);
  lacks.note = note;
  lacks.original = (getattro)PyType_GetSlot(&PyModule_Type, Py_tp_getattro);
  if (!lacks.original || *slot != lacks.original) return false;
  /* Never given back. */
  *slot = look_for;
  return true;
}
