// SPDX-License-Identifier: Apache-2.0
#include "libraries.h"

#include <stdlib.h>
#include <string.h>

#include "../../cpython/object.h"
#include "../freeze/freeze.h"
#include "failing.h"
#include "keys.h"

#define MOST_LIBRARIES 4096

static PyObject *list_of_maps(size_t (*find)(void **, size_t)) {
  static void *maps[MOST_LIBRARIES];
  size_t count = find(maps, MOST_LIBRARIES);
  if (count > MOST_LIBRARIES) freeze_refuse("there are too many libraries");
  PyObject *list = PyList_New(0);
  for (size_t i = 0; list && i < count; i++) {
    PyObject *number = PyLong_FromVoidPtr(maps[i]);
    PyList_Append(list, number);
    drop(number);
  }
  return list;
}

PyObject *libraries_all(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  return list_of_maps(freeze.hook.calls.libraries);
}

PyObject *libraries_global(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  return list_of_maps(freeze.hook.calls.global);
}

PyObject *libraries_leave_global(PyObject *self, PyObject *count) {
  (void)self;
  freeze.hook.calls.leave_global(PyLong_AsUnsignedLongMask(count));
  return none();
}

PyObject *libraries_refuses(PyObject *self, PyObject *number) {
  (void)self;
  const char *reason = freeze.hook.calls.refuses((void *)(uintptr_t)PyLong_AsUnsignedLongMask(number));
  return reason ? text_of(reason) : none();
}

PyObject *libraries_needed(PyObject *self, PyObject *number) {
  void *map = (void *)(uintptr_t)PyLong_AsUnsignedLongMask(number);
  PyObject *all = libraries_all(self, NULL), *list = PyList_New(0);
  for (Py_ssize_t i = 0; list && i < PyList_Size(all); i++) {
    PyObject *one = PyList_GetItem(all, i);
    if (freeze.hook.calls.needs(map, (void *)(uintptr_t)PyLong_AsUnsignedLongMask(one))) PyList_Append(list, one);
  }
  drop(all);
  return list;
}

PyObject *libraries_keys(PyObject *self, PyObject *args) {
  (void)self;
  const void *map = (const void *)(uintptr_t)PyLong_AsUnsignedLongMask(PyTuple_GetItem(args, 0));
  return PyLong_FromVoidPtr((void *)keys_address(map, PyLong_AsUnsignedLongMask(PyTuple_GetItem(args, 1))));
}

static void add_address(uintptr_t address, void *list) {
  PyObject *number = PyLong_FromVoidPtr((void *)address);
  PyList_Append(list, number);
  drop(number);
}

PyObject *libraries_places(PyObject *self, PyObject *args) {
  (void)self;
  char *bytes;
  Py_ssize_t count;
  PyObject *list = PyList_New(0);
  const void *map = (const void *)(uintptr_t)PyLong_AsUnsignedLongMask(PyTuple_GetItem(args, 0));
  if (PyBytes_AsStringAndSize(PyTuple_GetItem(args, 1), &bytes, &count) != 0) return NULL;
  keys_search(map, bytes, (size_t)count, add_address, list);
  return list;
}

PyObject *libraries_write(PyObject *self, PyObject *args) {
  (void)self;
  char *bytes;
  Py_ssize_t count;
  if (PyBytes_AsStringAndSize(PyTuple_GetItem(args, 1), &bytes, &count) != 0) return NULL;
  memcpy((void *)(uintptr_t)PyLong_AsUnsignedLongMask(PyTuple_GetItem(args, 0)), bytes, (size_t)count);
  return none();
}

PyObject *libraries_load_anew(PyObject *self, PyObject *args) {
  (void)self;
  PyObject *numbers = PyTuple_GetItem(args, 0), *modules = PyTuple_GetItem(args, 1);
  size_t count = (size_t)PyList_Size(numbers);
  void **maps = calloc(count + 1, sizeof *maps);
  for (size_t i = 0; maps && i < count; i++)
    maps[i] = (void *)(uintptr_t)PyLong_AsUnsignedLongMask(PyList_GetItem(numbers, (Py_ssize_t)i));
  for (Py_ssize_t i = 0; i < PyList_Size(modules); i++) {
    PyObject *one = PyList_GetItem(modules, i);
    freeze.hook.calls.module_again(PyTuple_GetItem(one, 0), PyObject_IsTrue(PyTuple_GetItem(one, 1)) == 1);
  }
  if (maps) freeze.hook.calls.libraries_again(maps, count);
  free(maps);
  return none();
}
