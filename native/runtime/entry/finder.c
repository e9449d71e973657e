// SPDX-License-Identifier: Apache-2.0
#include "finder.h"

#include "../decide/conditions.h"
#include "../decide/search.h"
#include "../host/handed.h"
#include "../host/report.h"
#include "../make/parts.h"
#include "runtime.h"

/* A list, since asking a namespace package's path for its items runs Python code. */
static PyObject *path_to_search(PyObject *path) {
  if (path == &_Py_NoneStruct) path = item_of(importlib.sys_dict, names.path);
  return path ? PySequence_List(path) : NULL;
}

/* With a loader as the path finder gives it: what it reads comes from the archive all the same (get_code.h). */
static PyObject *make_spec(PyObject *name, const struct found *found) {
  struct parts parts;
  struct facts facts = facts_of(found);
  if (!parts_make(&parts, name, &facts)) return NULL;
  PyObject *loader = loading_loader(&parts), *spec = loader ? loading_spec(&parts, loader) : NULL;
  drop(loader);
  parts_clear(&parts);
  return spec;
}

static enum pycds_miss find(PyObject *name, struct text text, PyObject *path, PyObject **spec) {
  struct found found;
  enum pycds_miss miss = runtime_find(ARCHIVE_NAME, text, &found);
  if (miss) return miss;
  if (!conditions_path_finder_is_next(runtime.self)) return PYCDS_MISS_FINDER;
  path = path_to_search(path);
  miss = path ? PYCDS_SERVED : PYCDS_MISS_PATH_DIFFERS;
  if (!miss && found.generation != found.archive->generation) miss = runtime_find(ARCHIVE_NAME, text, &found);
  if (!miss) miss = runtime_check(path, &found);
  drop(path);
  struct facts facts = facts_of(&found);
  if (!miss && found.archive->header.validate != PYCDS_VALIDATE_NONE) miss = search_check_file(&facts);
  if (!miss) *spec = make_spec(name, &found);
  return *spec ? PYCDS_SERVED : miss ? miss : PYCDS_MISS_DAMAGED;
}

PyObject *finder_find_spec(PyObject *self, PyObject *args, PyObject *keywords) {
  (void)self;
  static char *arguments[] = {"fullname", "path", "target", NULL};
  PyObject *name, *path = &_Py_NoneStruct, *target = &_Py_NoneStruct, *spec = NULL;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|OO", arguments, &name, &path, &target)) return NULL;
  Py_ssize_t length;
  const char *bytes = runtime.reads ? PyUnicode_AsUTF8AndSize(name, &length) : NULL;
  if (!bytes) {
    PyErr_Clear();
    return none();
  }
  double start = report_wanted() ? report_clock() : 0;
  enum pycds_miss miss = find(name, (struct text){bytes, (size_t)length}, path, &spec);
  PyErr_Clear();
  if (report_wanted()) {
    report.milliseconds += report_clock() - start;
    handed_note_reason(name, miss);
  }
  return spec ? spec : none();
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
