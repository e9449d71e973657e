// SPDX-License-Identifier: Apache-2.0
// A digest of code: instructions, names and constants, but no file names, line numbers or
// docstring positions. Two builds of the same source give the same.
#include "importlib_digest.h"

#include <string.h>

#include "../../cpython/object.h"
#include "../../format/buffer.h"
#include "../../format/hash.h"

static void put_code(struct pycds_buffer *out, PyObject *code);

static void put_value(struct pycds_buffer *out, PyObject *value) {
  Py_ssize_t length = 0;
  if (type_of(value) == &PyUnicode_Type) {
    const char *text = PyUnicode_AsUTF8AndSize(value, &length);
    if (text) pycds_buffer_put(out, text, (size_t)length + 1);
  } else if (type_of(value) == &PyBytes_Type) {
    char *text;
    if (PyBytes_AsStringAndSize(value, &text, &length) == 0) pycds_buffer_put(out, text, (size_t)length);
  } else if (type_of(value) == &PyTuple_Type) {
    length = PyTuple_Size(value);
    for (Py_ssize_t i = 0; i < length; i++) put_value(out, PyTuple_GetItem(value, i));
    pycds_buffer_put(out, "()", 2);
  } else if (type_of(value) == &PyCode_Type) {
    put_code(out, value);
  } else {
    PyObject *text = PyObject_Repr(value);
    if (text) put_value(out, text);
    out->failed |= !text;
    drop(text);
  }
}

static void put_code(struct pycds_buffer *out, PyObject *code) {
  static const char *const parts[] = {"co_code", "co_names", "co_consts", "co_varnames"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    PyObject *part = PyObject_GetAttrString(code, parts[i]);
    if (part) put_value(out, part);
    out->failed |= !part;
    drop(part);
    PyErr_Clear();
  }
}

/* `name` is FUNCTION or CLASS.FUNCTION. What a version does not have adds only its name. */
static void put_function(struct pycds_buffer *out, PyObject *module, const char *name) {
  char first[32];
  const char *dot = strchr(name, '.');
  size_t length = dot ? (size_t)(dot - name) : strlen(name);
  memcpy(first, name, length);
  first[length] = 0;
  pycds_buffer_put(out, name, strlen(name) + 1);
  PyObject *found = PyObject_GetAttrString(module, first);
  if (found && dot) {
    PyObject *owner = found;
    found = PyObject_GetAttrString(owner, dot + 1);
    Py_DecRef(owner);
  }
  if (!found) {
    PyErr_Clear();
    return;
  }
  PyObject *code = PyObject_GetAttrString(found, "__code__");
  if (code && type_of(code) == &PyCode_Type)
    put_code(out, code);
  else
    out->failed = true;
  PyErr_Clear();
  drop(code);
  Py_DecRef(found);
}

uint64_t importlib_digest(PyObject *bootstrap, PyObject *external) {
  static const char *const own[] = {"_find_and_load",
                                    "_find_and_load_unlocked",
                                    "_find_spec",
                                    "_load_unlocked",
                                    "module_from_spec",
                                    "_init_module_attrs",
                                    "_new_module",
                                    "_call_with_frames_removed",
                                    "_get_module_lock",
                                    "_lock_unlock_module",
                                    "_resolve_parents",
                                    "_is_initializing",
                                    "_ModuleLock.__init__",
                                    "_ModuleLock.acquire",
                                    "_ModuleLock.release",
                                    "_ModuleLock.has_deadlock",
                                    "ModuleSpec.__init__",
                                    "_ModuleLockManager.__enter__",
                                    "_ModuleLockManager.__exit__"};
  static const char *const loading[] = {"FileLoader.__init__", "SourceFileLoader.create_module", "FileFinder._get_spec",
                                        "FileFinder.find_spec", "spec_from_file_location"};
  struct pycds_buffer bytes = {0};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) put_function(&bytes, bootstrap, own[i]);
  for (size_t i = 0; i < sizeof loading / sizeof *loading; i++) put_function(&bytes, external, loading[i]);
  uint64_t digest = bytes.failed ? 0 : pycds_hash(bytes.bytes, bytes.length);
  pycds_buffer_free(&bytes);
  PyErr_Clear();
  return digest;
}
