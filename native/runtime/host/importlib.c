// SPDX-License-Identifier: Apache-2.0
#include "importlib.h"

#include "importlib_digest.h"

struct names names;
struct importlib importlib;

static const struct {
  uint64_t digest;
  unsigned features;
  struct import_lines lines;
} known[] = {
#define LINES(...)                                                                                                     \
  { __VA_ARGS__ }
#define IMPORTLIB(digest, features, lines, where) {digest, features, lines},
#include "importlib.def"
#undef IMPORTLIB
#undef LINES
    {0, 0, {0}},
};

PyObject *attribute_of(PyObject *object, PyObject *name) {
  PyObject *value = NULL;
  if (type_of(object) == &PyModule_Type) {
    value = item_of(PyModule_GetDict(object), name);
    if (value) return keep(value);
  }
  value = PyObject_GetAttr(object, name);
  if (!value) PyErr_Clear();
  return value;
}

PyObject *search_path_of(PyObject *package) {
  PyObject *namespace = PyType_IsSubtype(type_of(package), &PyModule_Type) ? PyModule_GetDict(package) : NULL;
  PyObject *own = namespace ? item_of(namespace, names.dunder_path) : NULL;
  if (own) return keep(own);
  PyObject *path = attribute_of(package, names.dunder_path);
  if (namespace && item_of(namespace, names.dunder_path)) PyDict_DelItem(namespace, names.dunder_path);
  return path;
}

static PyObject *take(PyObject *object, const char *name) {
  return object ? PyObject_GetAttrString(object, name) : NULL;
}

static bool intern_names(void) {
  const struct {
    PyObject **to;
    const char *text;
  } all[] = {
#define NAME(identifier, text) {&names.identifier, text},
#include "names.def"
#undef NAME
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    *all[i].to = PyUnicode_InternFromString(all[i].text);
    if (!*all[i].to) return false;
  }
  return true;
}

static bool find_path_hooks(void) {
  PyObject *hooks = item_of(importlib.sys_dict, names.path_hooks);
  if (!hooks || PySequence_Size(hooks) < 2) return false;
  for (Py_ssize_t i = 0; i < 2; i++) importlib.path_hooks[i] = PySequence_GetItem(hooks, i);
  return importlib.path_hooks[0] && importlib.path_hooks[1];
}

static bool all_found(PyObject *const *objects, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (!objects[i]) return false;
  }
  return true;
}

#define CPYTHON_3_15 0x030f0000

/* What an unknown import system does about bytecode paths follows from its version. */
static void recognise(PyObject *external) {
  PyObject *version = PySys_GetObject("hexversion");
  if (version && PyLong_AsLong(version) < CPYTHON_3_15) importlib.features = SETS_CACHED;
  importlib.digest = importlib_digest(importlib.bootstrap, external);
  for (size_t i = 0; importlib.digest && known[i].digest; i++) {
    if (known[i].digest != importlib.digest) continue;
    importlib.known = true;
    importlib.features = known[i].features;
    importlib.lines = known[i].lines;
  }
}

/* The modules stay alive: sys.modules or the interpreter holds them. */
bool importlib_find(void) {
  struct importlib *i = &importlib;
  if (!intern_names()) return false;
  i->bootstrap = PyImport_ImportModule("_frozen_importlib");
  PyObject *external = PyImport_ImportModule("_frozen_importlib_external");
  PyObject *builtins = PyImport_ImportModule("builtins"), *sys = PyImport_ImportModule("sys");
  PyObject *imp = PyImport_ImportModule("_imp"), *object = take(builtins, "object");
  PyObject *thread = take(i->bootstrap, "_thread");
  PyObject *modules[] = {i->bootstrap, external, builtins, sys, imp, object, thread};
  if (!all_found(modules, sizeof modules / sizeof *modules)) return false;
  i->bootstrap_dict = PyModule_GetDict(i->bootstrap);
  i->sys_dict = PyModule_GetDict(sys);
  i->builtins_dict = PyModule_GetDict(builtins);
  i->thread_dict = PyModule_GetDict(thread);
  PyObject *found[] = {
      i->modules = PyImport_GetModuleDict(),
      i->module_locks = take(i->bootstrap, "_module_locks"),
      i->spec_type = take(i->bootstrap, "ModuleSpec"),
      i->builtin_importer = take(i->bootstrap, "BuiltinImporter"),
      i->frozen_importer = take(i->bootstrap, "FrozenImporter"),
      i->run = take(i->bootstrap, "_call_with_frames_removed"),
      i->loader_type = take(external, "SourceFileLoader"),
      i->path_finder = take(external, "PathFinder"),
      i->file_finder = take(external, "FileFinder"),
      i->exec = take(builtins, "exec"),
      i->true_object = take(builtins, "True"),
      i->false_object = take(builtins, "False"),
      i->object_new = take(object, "__new__"),
      i->is_frozen = take(imp, "is_frozen"),
      i->get_ident = take(thread, "get_ident"),
  };
  i->set_lazy_attributes = take(imp, "_set_lazy_attributes");
  PyErr_Clear();
  if (!all_found(found, sizeof found / sizeof *found) || !find_path_hooks()) {
    return false;
  }
  recognise(external);
  return true;
}
