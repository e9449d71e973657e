// SPDX-License-Identifier: Apache-2.0
#include "conditions.h"

#include "search.h"

static bool path_hooks_unchanged(void) {
  PyObject *hooks = item_of(importlib.sys_dict, names.path_hooks);
  return hooks && type_of(hooks) == &PyList_Type && PyList_Size(hooks) >= 2 &&
         PyList_GetItem(hooks, 0) == importlib.path_hooks[0] && PyList_GetItem(hooks, 1) == importlib.path_hooks[1];
}

enum pycds_miss conditions_check(PyObject *path, const struct facts *facts, const struct pycds_header *header) {
  if (!path_hooks_unchanged()) return PYCDS_MISS_PATH_HOOKS;
  if (!importlib_loads_as_ever()) return PYCDS_MISS_LOADER_CHANGED;
  enum pycds_miss miss = search_check(path, facts, header->validate != PYCDS_VALIDATE_NONE);
  return miss ? miss : search_check_source(facts, header->validate, header->python_magic);
}

static bool starts_with(struct text text, const char *start) {
  size_t length = strlen(start);
  return text.length >= length && memcmp(text.bytes, start, length) == 0;
}

static bool is_text(PyObject *object, const char *text) {
  Py_ssize_t length = 0;
  const char *bytes = object && type_of(object) == &PyUnicode_Type ? PyUnicode_AsUTF8AndSize(object, &length) : NULL;
  return bytes && (size_t)length == strlen(text) && memcmp(bytes, text, (size_t)length) == 0;
}

/* setuptools puts its finder in front. It answers through methods named after the module:
 * for top-level modules, and for some of CPython's own tests. */
static bool is_quiet_distutils_finder(PyObject *finder, const struct facts *facts) {
  static PyTypeObject *type;
  if (type_of(finder) != type) {
    PyObject *class = (PyObject *)type_of(finder);
    PyObject *module = attribute_of(class, names.dunder_module), *own = attribute_of(class, names.dunder_name);
    bool same = is_text(module, "_distutils_hack") && is_text(own, "DistutilsMetaFinder");
    drop(module);
    drop(own);
    if (!same) return false;
    type = (PyTypeObject *)keep(class);
  }
  if (starts_with(facts->name, "test.")) return false;
  if (text_after_dot(facts->name).length != facts->name.length) return true;
  char method[256] = "spec_for_";
  size_t start = strlen(method);
  if (facts->name.length >= sizeof method - start) return false;
  memcpy(method + start, facts->name.bytes, facts->name.length);
  PyObject *answer = PyObject_GetAttrString(finder, method);
  drop(answer);
  if (!answer) PyErr_Clear();
  return !answer;
}

/* Modules that this interpreter has inside, though training took them from files. */
static bool is_frozen(PyObject *name) {
  PyObject *frozen = PyObject_CallFunctionObjArgs(importlib.is_frozen, name, NULL);
  bool is = frozen != importlib.false_object;
  drop(frozen);
  if (!frozen) PyErr_Clear();
  return is;
}

bool conditions_are_first(PyObject *finder, PyObject *name, const struct facts *facts) {
  PyObject *finders = item_of(importlib.sys_dict, names.meta_path);
  Py_ssize_t count = finders && type_of(finders) == &PyList_Type ? PyList_Size(finders) : 0;
  for (Py_ssize_t i = 0; i < count; i++) {
    PyObject *one = PyList_GetItem(finders, i);
    if (one == finder) return true;
    if (one == importlib.builtin_importer || (one == importlib.frozen_importer && !is_frozen(name))) continue;
    if (!is_quiet_distutils_finder(one, facts)) return false;
  }
  return false;
}
