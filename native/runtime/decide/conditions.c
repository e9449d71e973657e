// SPDX-License-Identifier: Apache-2.0
#include "conditions.h"

#include "../host/replaced.h"
#include "search.h"

static bool path_hooks_unchanged(void) {
  PyObject *hooks = item_of(importlib.sys_dict, names.path_hooks);
  return hooks && type_of(hooks) == &PyList_Type && PyList_Size(hooks) >= 2 &&
         PyList_GetItem(hooks, 0) == importlib.path_hooks[0] && PyList_GetItem(hooks, 1) == importlib.path_hooks[1];
}

static enum pycds_miss look_at_importlib(void) {
  if (!path_hooks_unchanged()) return PYCDS_MISS_PATH_HOOKS;
  if (replaced_any(READING) || replaced_any(LOADING)) return PYCDS_MISS_LOADER_CHANGED;
  return replaced_any(FINDING) ? PYCDS_MISS_FINDER : PYCDS_SERVED;
}

static struct {
  bool may, known;
  enum pycds_miss miss;
} remembered;

void conditions_remember(bool may) {
  remembered.may = may;
  remembered.known = false;
  search_remember(may);
}

/* Whether something about how modules are found or loaded was changed. */
static enum pycds_miss check_importlib(void) {
  if (remembered.known) return remembered.miss;
  remembered.miss = look_at_importlib();
  remembered.known = remembered.may;
  return remembered.miss;
}

enum pycds_miss conditions_check(PyObject *path, const struct facts *facts, const struct pycds_header *header) {
  enum pycds_miss miss = check_importlib();
  return miss ? miss : search_check(path, facts, header->validate != PYCDS_VALIDATE_NONE);
}

static bool starts_with(struct text text, const char *start) {
  size_t length = strlen(start);
  return text.length >= length && memcmp(text.bytes, start, length) == 0;
}

static bool equals(struct text text, const char *other) {
  return text.length == strlen(other) && starts_with(text, other);
}

static bool is_text(PyObject *object, const char *text) {
  Py_ssize_t length = 0;
  const char *bytes = object && type_of(object) == &PyUnicode_Type ? PyUnicode_AsUTF8AndSize(object, &length) : NULL;
  return bytes && (size_t)length == strlen(text) && memcmp(bytes, text, (size_t)length) == 0;
}

/* Whether an object is of the class that a module defines under that name; `known` remembers the class. */
static bool is_instance(PyObject *object, const char *module_name, const char *class_name, PyTypeObject **known) {
  if (type_of(object) == *known) return true;
  PyObject *class = (PyObject *)type_of(object);
  PyObject *module = attribute_of(class, names.dunder_module), *own = attribute_of(class, names.dunder_name);
  bool same = is_text(module, module_name) && is_text(own, class_name);
  drop(module);
  drop(own);
  if (same) *known = (PyTypeObject *)keep(class);
  return same;
}

/* setuptools puts its finder in front. It answers through methods named after the module:
 * for top-level modules, and for some of CPython's own tests. */
static bool is_quiet_distutils_finder(PyObject *finder, const struct facts *facts) {
  static PyTypeObject *type;
  if (!is_instance(finder, "_distutils_hack", "DistutilsMetaFinder", &type)) return false;
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

/* A name that is in no list of frozen modules is frozen for nobody; and going through the lists takes longer than all else
 * that is asked here. The last list is one that an embedder gives. */
static struct {
  PyObject *names; /* NULL: this interpreter does not tell */
  const void *given;
} frozen;

__attribute__((weak)) extern const void *PyImport_FrozenModules;

void conditions_list_frozen(void) {
  if (!&PyImport_FrozenModules || frozen.names) return;
  PyObject *imp = PyImport_ImportModule("_imp");
  PyObject *list = imp ? PyObject_GetAttrString(imp, "_frozen_module_names") : NULL;
  PyObject *all = list ? PyObject_CallFunctionObjArgs(list, NULL) : NULL;
  PyObject *known = all ? PyFrozenSet_New(all) : NULL, *sample = PyUnicode_InternFromString("__hello__");
  /* Where most are not used, as an option has it, they are not told either. */
  if (known && sample && PySet_Contains(known, sample) == 1) frozen.names = keep(known);
  frozen.given = PyImport_FrozenModules;
  PyObject *done[] = {imp, list, all, known, sample};
  for (size_t i = 0; i < sizeof done / sizeof *done; i++) drop(done[i]);
  PyErr_Clear();
}

/* Modules that this interpreter has inside, though training took them from files. */
static bool is_frozen(PyObject *name) {
  if (frozen.names && PyImport_FrozenModules == frozen.given && PySet_Contains(frozen.names, name) == 0) return false;
  PyObject *answer = PyObject_CallFunctionObjArgs(importlib.is_frozen, name, NULL);
  bool is = answer != importlib.false_object;
  drop(answer);
  if (!answer) PyErr_Clear();
  return is;
}

/* Behind the finder at that place. */
static bool path_finder_is_behind(PyObject *finders, Py_ssize_t place) {
  return place + 1 < PyList_Size(finders) && PyList_GetItem(finders, place + 1) == importlib.path_finder;
}

/* virtualenv puts its finder in front, too. It answers for the two modules that it changes. */
static bool is_quiet_virtualenv_finder(PyObject *finder, const struct facts *facts) {
  static PyTypeObject *type;
  return is_instance(finder, "_virtualenv", "_Finder", &type) && !equals(facts->name, "distutils.dist") &&
         !equals(facts->name, "setuptools.dist");
}

/* Whether a finder that others have put in front of the path finder answers nothing for this module. */
static bool is_quiet(PyObject *finder, const struct facts *facts) {
  return is_quiet_distutils_finder(finder, facts) || is_quiet_virtualenv_finder(finder, facts);
}

bool conditions_path_finder_is_next(PyObject *finder) {
  PyObject *finders = item_of(importlib.sys_dict, names.meta_path);
  Py_ssize_t count = finders && type_of(finders) == &PyList_Type ? PyList_Size(finders) : 0;
  for (Py_ssize_t i = 0; i < count; i++) {
    if (PyList_GetItem(finders, i) == finder) return path_finder_is_behind(finders, i);
  }
  return false;
}

bool conditions_are_first(PyObject *finder, PyObject *name, const struct facts *facts) {
  PyObject *finders = item_of(importlib.sys_dict, names.meta_path);
  Py_ssize_t count = finders && type_of(finders) == &PyList_Type ? PyList_Size(finders) : 0;
  for (Py_ssize_t i = 0; i < count; i++) {
    PyObject *one = PyList_GetItem(finders, i);
    if (one == finder) return path_finder_is_behind(finders, i);
    if (one == importlib.builtin_importer || (one == importlib.frozen_importer && !is_frozen(name))) continue;
    if (!is_quiet(one, facts)) return false;
  }
  return false;
}

bool conditions_reach(PyObject *importer, PyObject *name, const struct facts *facts) {
  PyObject *finders = item_of(importlib.sys_dict, names.meta_path);
  Py_ssize_t count = finders && type_of(finders) == &PyList_Type ? PyList_Size(finders) : 0;
  for (Py_ssize_t i = 0; i < count; i++) {
    PyObject *one = PyList_GetItem(finders, i);
    if (one == importer) return importer != importlib.frozen_importer || is_frozen(name);
    if (one != importlib.builtin_importer && !is_quiet(one, facts)) return false;
  }
  return false;
}

bool conditions_find_nothing(PyObject *path, const struct facts *facts) {
  return check_importlib() == PYCDS_SERVED && search_find_nothing(path, facts);
}
