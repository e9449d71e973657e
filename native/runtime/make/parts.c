// SPDX-License-Identifier: Apache-2.0
#include "parts.h"

static PyObject *decode(const char *bytes, size_t length) {
  return PyUnicode_DecodeUTF8(bytes, (Py_ssize_t)length, "surrogateescape");
}

static size_t directory_length(struct text path) {
  size_t length = path.length;
  while (length > 1 && path.bytes[length - 1] != '/') length--;
  return length > 1 ? length - 1 : length;
}

/* The path of the bytecode depends on sys.pycache_prefix, then as now. */
static bool is_cached_beside(const struct facts *facts) {
  static const char between[] = "/__pycache__/";
  size_t length = directory_length(facts->origin);
  return (importlib.features & SETS_CACHED) && facts->cached.length > length + sizeof between &&
         memcmp(facts->cached.bytes, facts->origin.bytes, length) == 0 &&
         memcmp(facts->cached.bytes + length, between, sizeof between - 1) == 0 &&
         item_of(importlib.sys_dict, names.pycache_prefix) == &_Py_NoneStruct;
}

bool parts_make(struct parts *parts, PyObject *name, const struct facts *facts) {
  *parts = (struct parts){.name = name};
  parts->origin = decode(facts->origin.bytes, facts->origin.length);
  bool made = parts->origin != NULL;
  if (made && is_cached_beside(facts)) {
    parts->cached = decode(facts->cached.bytes, facts->cached.length);
    made = parts->cached != NULL;
  }
  if (made && facts->is_package) {
    parts->directory = decode(facts->origin.bytes, directory_length(facts->origin));
    made = parts->directory != NULL;
  }
  if (made) return true;
  parts_clear(parts);
  PyErr_Clear();
  return false;
}

void parts_clear(struct parts *parts) {
  drop(parts->origin);
  drop(parts->cached);
  drop(parts->directory);
  *parts = (struct parts){0};
}

/* An instance whose constructor, which is one of those that the digest covers, is not run. */
static PyObject *bare(PyObject *type) { return PyObject_CallFunctionObjArgs(importlib.object_new, type, NULL); }

static bool set(PyObject *object, PyObject *name, PyObject *value) {
  return value && PyObject_SetAttr(object, name, value) == 0;
}

PyObject *loading_loader(const struct parts *parts) {
  if (!importlib.known) {
    return PyObject_CallFunctionObjArgs(importlib.loader_type, parts->name, parts->origin, NULL);
  }
  PyObject *loader = bare(importlib.loader_type);
  if (loader && set(loader, names.name, parts->name) && set(loader, names.path, parts->origin)) return loader;
  drop(loader);
  return NULL;
}

static bool fill_bare_spec(PyObject *spec, const struct parts *parts, PyObject *loader) {
  PyObject *const empty = &_Py_NoneStruct;
  if (!set(spec, names.name, parts->name) || !set(spec, names.loader, loader) ||
      !set(spec, names.origin, parts->origin) || !set(spec, names.loader_state, empty) ||
      !set(spec, names.submodule_search_locations, empty)) {
    return false;
  }
  if (importlib.features & TRACKS_SUBMODULES) {
    PyObject *submodules = PyList_New(0);
    bool done = set(spec, names.uninitialized_submodules, submodules);
    drop(submodules);
    if (!done) return false;
  }
  return set(spec, names.set_fileattr, importlib.true_object) &&
         set(spec, names.cached_slot, parts->cached ? parts->cached : empty);
}

static bool fill_spec(PyObject *spec, const struct parts *parts) {
  return set(spec, names.origin, parts->origin) && set(spec, names.set_fileattr, importlib.true_object) &&
         (!parts->cached || set(spec, names.cached, parts->cached));
}

static bool set_locations(PyObject *spec, PyObject *directory) {
  PyObject *locations = PyList_New(0);
  bool done =
      locations && PyList_Append(locations, directory) == 0 && set(spec, names.submodule_search_locations, locations);
  drop(locations);
  return done;
}

PyObject *loading_spec(const struct parts *parts, PyObject *loader) {
  PyObject *spec = importlib.known ? bare(importlib.spec_type)
                                   : PyObject_CallFunctionObjArgs(importlib.spec_type, parts->name, loader, NULL);
  bool done = spec && (importlib.known ? fill_bare_spec(spec, parts, loader) : fill_spec(spec, parts)) &&
              (!parts->directory || set_locations(spec, parts->directory));
  if (done) return spec;
  drop(spec);
  return NULL;
}

/* ModuleType has set __name__, __doc__, __package__, __loader__ and __spec__, in this order. */
static bool fill_module(PyObject *module, const struct parts *parts, PyObject *spec, PyObject *loader,
                        PyObject *package) {
  PyObject *dict = PyModule_GetDict(module);
  if (PyDict_SetItem(dict, names.dunder_loader, loader) != 0 ||
      PyDict_SetItem(dict, names.dunder_package, package) != 0 || PyDict_SetItem(dict, names.dunder_spec, spec) != 0) {
    return false;
  }
  if (parts->directory) {
    PyObject *locations = PyObject_GetAttr(spec, names.submodule_search_locations);
    bool done = locations && PyDict_SetItem(dict, names.dunder_path, locations) == 0;
    drop(locations);
    if (!done) return false;
  }
  if (PyDict_SetItem(dict, names.dunder_file, parts->origin) != 0) return false;
  if (!(importlib.features & SETS_CACHED)) return true;
  /* Without a recorded path the spec's own property computes it. */
  PyObject *cached = parts->cached ? keep(parts->cached) : PyObject_GetAttr(spec, names.cached);
  bool done = cached && (cached == &_Py_NoneStruct || PyDict_SetItem(dict, names.dunder_cached, cached) == 0);
  drop(cached);
  return done;
}

PyObject *loading_module(const struct parts *parts, PyObject *spec, PyObject *loader, PyObject *package) {
  PyObject *module = PyModule_NewObject(parts->name);
  if (module && fill_module(module, parts, spec, loader, package)) return module;
  drop(module);
  return NULL;
}
