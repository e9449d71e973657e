// SPDX-License-Identifier: Apache-2.0
#include "finder.h"

#include "../caches/ask.h"
#include "../decide/conditions.h"
#include "../host/replaced.h"
#include "../host/report.h"
#include "../make/objects.h"
#include "../make/parts.h"
#include "runtime.h"

/* Counted when it runs, not when it is found: runpy and others only look. */
static void count_served(PyObject *module) {
  PyObject *name = report.log ? PyObject_GetAttr(module, names.dunder_name) : NULL;
  report_served(name ? PyUnicode_AsUTF8AndSize(name, NULL) : NULL);
  drop(name);
  PyErr_Clear();
}

static PyObject *exec_module(PyObject *pair, PyObject *module);

/* Takes the method below from its loader; true when whoever found the spec has left all else as it was. */
static bool restore_loader(PyObject *loader) {
  PyObject *attributes = PyObject_GetAttr(loader, names.dunder_dict);
  PyObject *own = attributes ? item_of(attributes, names.exec_module) : NULL;
  if (own && type_of(own) == &PyCFunction_Type && PyCFunction_GetFunction(own) == exec_module) {
    PyDict_DelItem(attributes, names.exec_module);
  }
  bool same = attributes && !item_of(attributes, names.get_code) && !replaced_on_loader(attributes) &&
              !replaced_any(READING) && !replaced_any(LOADING);
  drop(attributes);
  PyErr_Clear();
  return same;
}

static PyObject *call_stock(PyObject *loader, PyObject *module) {
  PyObject *stock = PyObject_GetAttr(importlib.loader_type, names.exec_module);
  PyObject *result = stock ? PyObject_CallFunctionObjArgs(stock, loader, module, NULL) : NULL;
  drop(stock);
  return result;
}

/* Stands as `exec_module` on one genuine SourceFileLoader, until it has run: afterwards
 * loader and spec are exactly what the path finder would have left. The body runs through
 * importlib's own trampoline, so that tracebacks and audit events stay the same. */
static PyObject *exec_module(PyObject *pair, PyObject *module) {
  PyObject *code = PyTuple_GetItem(pair, 0), *loader = PyTuple_GetItem(pair, 1);
  if (!restore_loader(loader)) return call_stock(loader, module);
  count_served(module);
  PyObject *namespace = PyObject_GetAttr(module, names.dunder_dict);
  if (!namespace) return NULL;
  PyObject *result = PyObject_CallFunctionObjArgs(importlib.run, importlib.exec, code, namespace, NULL);
  Py_DecRef(namespace);
  if (result) cache_regex_ran(code, module);
  return result;
}

static PyObject *new_spec(const struct parts *parts, PyObject *code) {
  static PyMethodDef method = {"exec_module", exec_module, METH_O, NULL};
  PyObject *loader = loading_loader(parts), *spec = NULL;
  PyObject *pair = loader ? PyTuple_New(2) : NULL;
  bool filled = pair && PyTuple_SetItem(pair, 0, keep(code)) == 0 && PyTuple_SetItem(pair, 1, keep(loader)) == 0;
  PyObject *function = filled ? PyCFunction_NewEx(&method, pair, NULL) : NULL;
  if (function && PyObject_SetAttr(loader, names.exec_module, function) == 0) spec = loading_spec(parts, loader);
  drop(function);
  drop(pair);
  drop(loader);
  return spec;
}

/* A list, since asking a namespace package's path for its items runs Python code. */
static PyObject *path_to_search(PyObject *path) {
  if (path == &_Py_NoneStruct) path = item_of(importlib.sys_dict, names.path);
  return path ? PySequence_List(path) : NULL;
}

static enum pycds_miss find(PyObject *name, struct text text, PyObject *path, PyObject **spec) {
  struct found found;
  struct parts parts;
  enum pycds_miss miss = runtime_find(text, &found);
  if (miss) return miss;
  if (!conditions_path_finder_is_next(runtime.self, name)) return PYCDS_MISS_FINDER;
  path = path_to_search(path);
  miss = path ? PYCDS_SERVED : PYCDS_MISS_PATH_DIFFERS;
  if (!miss && found.generation != runtime.archive.generation) miss = runtime_find(text, &found);
  if (!miss) miss = runtime_check(path, &found);
  drop(path);
  if (miss) return miss;
  PyObject *code = objects_code(&runtime.archive, &found);
  struct facts facts = facts_of(&found);
  if (code) cache_regex_found(text.bytes, text.length, code);
  if (code && parts_make(&parts, name, &facts)) {
    *spec = new_spec(&parts, code);
    parts_clear(&parts);
  }
  return *spec ? PYCDS_SERVED : PYCDS_MISS_DAMAGED;
}

/* For reports only: asks the path finder itself, to learn whether a name that was not
 * served is a module that an archive could have held. */
static PyObject *find_missed(PyObject *args, const char *name, enum pycds_miss miss) {
  PyObject *find_spec = PyObject_GetAttr(importlib.path_finder, names.find_spec);
  PyObject *spec = find_spec ? PyObject_Call(find_spec, args, NULL) : NULL;
  drop(find_spec);
  PyObject *loader = spec && spec != &_Py_NoneStruct ? PyObject_GetAttr(spec, names.loader) : NULL;
  if (loader && type_of(loader) == (PyTypeObject *)importlib.loader_type) report_missed(name, miss);
  drop(loader);
  if (spec) PyErr_Clear();
  return spec;
}

PyObject *finder_find_spec(PyObject *self, PyObject *args, PyObject *keywords) {
  static char *arguments[] = {"fullname", "path", "target", NULL};
  PyObject *name, *path = &_Py_NoneStruct, *target = &_Py_NoneStruct, *spec = NULL;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|OO", arguments, &name, &path, &target)) return NULL;
  Py_ssize_t length;
  const char *bytes = runtime.active ? PyUnicode_AsUTF8AndSize(name, &length) : NULL;
  if (!bytes) {
    PyErr_Clear();
    return none();
  }
  double start = report_wanted() ? report_clock() : 0;
  enum pycds_miss miss = find(name, (struct text){bytes, (size_t)length}, path, &spec);
  PyErr_Clear();
  if (report_wanted()) report.milliseconds += report_clock() - start;
  if (spec) return spec;
  if (!report_wanted()) return none();
  if (conditions_path_finder_is_next(self, name)) return find_missed(args, bytes, miss);
  if (miss == PYCDS_MISS_FINDER) report_missed(bytes, miss);
  return none();
}

/* Programs that look for a finder tell them apart by class and `__module__`, which a module has not. */
static bool name_module(PyObject *self) {
  static const char own[] = "_pycds";
  PyObject *text = PyUnicode_FromStringAndSize(own, sizeof own - 1);
  bool done = text && PyObject_SetAttr(self, names.dunder_module, text) == 0;
  drop(text);
  return done;
}

bool finder_insert(PyObject *self) {
  PyObject *finders = item_of(importlib.sys_dict, names.meta_path);
  Py_ssize_t count = finders && type_of(finders) == &PyList_Type ? PyList_Size(finders) : 0;
  for (Py_ssize_t i = 0; i < count; i++) {
    if (PyList_GetItem(finders, i) != importlib.path_finder) continue;
    return name_module(self) && PyList_Insert(finders, i, self) == 0;
  }
  return false;
}
