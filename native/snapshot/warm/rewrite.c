// SPDX-License-Identifier: Apache-2.0
#include "rewrite.h"

#include <string.h>

#include "../../cpython/object.h"
#include "../freeze/freeze.h"

/* Include/cpython/bytesobject.h: what stands in front of the bytes. */
struct bytes_head {
  intptr_t refcount;
  PyTypeObject *type;
  Py_ssize_t size;
  intptr_t hash; /* -1: not known */
};

PyObject *rewrite_bytes(PyObject *self, PyObject *args) {
  (void)self;
  char *bytes, *fresh;
  Py_ssize_t length, count;
  PyObject *value = PyTuple_GetItem(args, 0);
  if (PyBytes_AsStringAndSize(value, &bytes, &length) != 0) return NULL;
  if (PyBytes_AsStringAndSize(PyTuple_GetItem(args, 1), &fresh, &count) != 0) return NULL;
  struct bytes_head *head = (void *)value;
  if (bytes != (char *)(head + 1) || length != count) freeze_refuse("an object of bytes cannot be written anew");
  memcpy(bytes, fresh, (size_t)length);
  head->hash = -1;
  return none();
}
