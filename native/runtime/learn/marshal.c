// SPDX-License-Identifier: Apache-2.0
#include "marshal.h"

#include <string.h>

#include "../../cpython/object.h"

static PyObject *dumps;

PyObject *learn_marshal(PyObject *code, bool plain) {
  PyObject *result = NULL;
  if (!dumps) {
    PyObject *module = PyImport_ImportModule("marshal");
    dumps = module ? PyObject_GetAttrString(module, "dumps") : NULL;
    drop(module);
  }
  PyObject *version = dumps && plain ? PyLong_FromLong(2) : NULL;
  if (version) result = PyObject_CallFunctionObjArgs(dumps, code, version, NULL);
  PyErr_Clear(); /* slices, from 3.14 on, need a later version */
  if (dumps && !result) result = PyObject_CallFunctionObjArgs(dumps, code, NULL);
  drop(version);
  PyErr_Clear();
  return result;
}

bool learn_magic(uint8_t magic[4]) {
  static struct {
    bool known;
    uint8_t bytes[4];
  } own;
  if (!own.known) {
    PyObject *external = PyImport_ImportModule("_frozen_importlib_external");
    PyObject *value = external ? PyObject_GetAttrString(external, "MAGIC_NUMBER") : NULL;
    char *bytes;
    Py_ssize_t length;
    own.known = value && PyBytes_AsStringAndSize(value, &bytes, &length) == 0 && length == 4;
    if (own.known) memcpy(own.bytes, bytes, sizeof own.bytes);
    drop(value);
    drop(external);
    PyErr_Clear();
  }
  memcpy(magic, own.bytes, sizeof own.bytes);
  return own.known;
}
