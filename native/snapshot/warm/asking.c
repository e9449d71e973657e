// SPDX-License-Identifier: Apache-2.0
#include "asking.h"

#include <stdbool.h>

#include "../../cpython/object.h"
#include "../freeze/freeze.h"
#include "method.h"

/* As many as there are below: of two digits. */
#define MOST_FUNCTIONS 90
#define FIRST 10

PYCDS_PYAPI extern PyTypeObject PyClassMethodDescr_Type;

/* The head of CPython's PyCFunctionObject. */
struct function {
  intptr_t refcount;
  PyTypeObject *type;
  PyMethodDef *method;
  PyObject *self;
};

/* Of any convention: what a function does not take is not looked at. */
typedef PyObject *(*any_function)(PyObject *self, void *a, void *b, void *c);

static struct {
  PyMethodDef own;
  const PyMethodDef *stock;
  PyObject *note;
} watched[MOST_FUNCTIONS];
static int watched_count;

static PyObject *tuple_of_items(PyObject *const *items, Py_ssize_t count) {
  PyObject *tuple = PyTuple_New(count);
  for (Py_ssize_t i = 0; tuple && i < count; i++) PyTuple_SetItem(tuple, i, keep(items[i]));
  return tuple;
}

static PyObject *named_of(PyObject *names, PyObject *const *items) {
  PyObject *named = PyDict_New();
  for (Py_ssize_t i = 0; named && names && i < PyTuple_Size(names); i++)
    PyDict_SetItem(named, PyTuple_GetItem(names, i), items[i]);
  return named;
}

static PyObject *arguments_of(int flags, void *a, void *b) {
  if (flags & METH_NOARGS) return PyTuple_New(0);
  if (flags & METH_O) return tuple_of_items((PyObject *[]){a}, 1);
  return flags & METH_FASTCALL ? tuple_of_items(a, (Py_ssize_t)b) : keep(a);
}

static PyObject *named_arguments_of(int flags, void *a, void *b, void *c) {
  if (!(flags & METH_KEYWORDS)) return PyDict_New();
  if (flags & METH_FASTCALL) return named_of(c, (PyObject *const *)a + (Py_ssize_t)b);
  return b ? keep(b) : PyDict_New();
}

static PyObject *ask(int number, PyObject *self, void *a, void *b, void *c) {
  const PyMethodDef *stock = watched[number].stock;
  PyObject *result = ((any_function)(void (*)(void))stock->ml_meth)(self, a, b, c);
  PyObject *type = NULL, *error = NULL, *traceback = NULL;
  PyErr_Fetch(&type, &error, &traceback);
  if (type) PyErr_NormalizeException(&type, &error, &traceback);
  PyObject *args = arguments_of(stock->ml_flags, a, b), *named = named_arguments_of(stock->ml_flags, a, b, c);
  PyObject *other = PyObject_CallFunctionObjArgs(watched[number].note, args, named, result ? result : &_Py_NoneStruct,
                                                 error ? error : &_Py_NoneStruct, NULL);
  if (!other) freeze_refuse("a call cannot be watched");
  drop(args);
  drop(named);
  PyErr_Restore(type, error, traceback);
  if (!result || other == &_Py_NoneStruct) {
    drop(other);
    return result;
  }
  drop(result);
  return other;
}

/* A function is not told which one it is. */
#define ONE(n)                                                                                                         \
  static PyObject *ask_##n(PyObject *self, void *a, void *b, void *c) { return ask((n)-FIRST, self, a, b, c); }
#define TEN(n) ONE(n##0) ONE(n##1) ONE(n##2) ONE(n##3) ONE(n##4) ONE(n##5) ONE(n##6) ONE(n##7) ONE(n##8) ONE(n##9)
// clang-format off
TEN(1) TEN(2) TEN(3) TEN(4) TEN(5) TEN(6) TEN(7) TEN(8) TEN(9)
// clang-format on
#define NAMES(n)                                                                                                       \
  ask_##n##0, ask_##n##1, ask_##n##2, ask_##n##3, ask_##n##4, ask_##n##5, ask_##n##6, ask_##n##7, ask_##n##8, ask_##n##9
    static const any_function askers[MOST_FUNCTIONS] = {NAMES(1), NAMES(2), NAMES(3), NAMES(4), NAMES(5),
                                                        NAMES(6), NAMES(7), NAMES(8), NAMES(9)};

PyObject *asking_watch(PyObject *self, PyObject *args) {
  const int known = METH_VARARGS | METH_KEYWORDS | METH_NOARGS | METH_O | METH_FASTCALL | METH_CLASS;
  (void)self;
  PyObject *function = PyTuple_GetItem(args, 0), *note = PyTuple_GetItem(args, 1);
  PyMethodDef **method = type_of(function) == &PyCFunction_Type          ? &((struct function *)function)->method
                         : type_of(function) == &PyClassMethodDescr_Type ? &((struct method *)function)->definition
                                                                         : NULL;
  if (!method || (*method)->ml_flags & ~known || watched_count == MOST_FUNCTIONS)
    freeze_refuse("a function cannot be watched");
  watched[watched_count].stock = *method;
  watched[watched_count].own = **method;
  watched[watched_count].own.ml_meth = (PyCFunction)(void (*)(void))askers[watched_count];
  watched[watched_count].note = keep(note);
  *method = &watched[watched_count++].own;
  return none();
}
