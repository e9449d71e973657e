// SPDX-License-Identifier: Apache-2.0
#include "replaced.h"

enum owner { LOADER, EXTERNAL, BOOTSTRAP, IMP, BUILTINS, PATH_FINDER, FILE_FINDER, OWNERS };

static const struct {
  enum use use;
  enum owner owner;
  const char *name;
} parts[] = {
#define PART(use, owner, name) {use, owner, name},
#include "replaced.def"
#undef PART
};
enum { PARTS = sizeof parts / sizeof *parts };

/* The loader's class is asked for attributes, which it may inherit, the finders' for what is in their own namespace,
 * since a class method is another object each time it is asked for; the others are dictionaries. */
static PyObject *owners[OWNERS];
static struct { PyObject *name, *value; /* NULL: replaced for ever */ } known[PARTS];

/* A new reference, or NULL without an exception. */
static PyObject *now(int part) {
  PyObject *owner = owners[parts[part].owner], *value;
  switch (parts[part].owner) {
    case LOADER: value = PyObject_GetAttr(owner, known[part].name); break;
    case PATH_FINDER:
    case FILE_FINDER: value = PyObject_GetItem(owner, known[part].name); break;
    default: value = item_of(owner, known[part].name); return value ? keep(value) : NULL;
  }
  if (!value) PyErr_Clear();
  return value;
}

bool replaced_is_genuine(PyObject *value) {
  static const char start[] = "<frozen importlib.";
  Py_ssize_t length = 0;
  PyObject *bound = PyObject_GetAttrString(value, "__func__");
  PyErr_Clear();
  PyObject *code = PyObject_GetAttrString(bound ? bound : value, "__code__");
  PyObject *file = code ? PyObject_GetAttrString(code, "co_filename") : NULL;
  const char *bytes = file ? PyUnicode_AsUTF8AndSize(file, &length) : NULL;
  bool frozen = bytes && strncmp(bytes, start, sizeof start - 1) == 0;
  drop(file);
  drop(code);
  drop(bound);
  PyErr_Clear();
  return frozen;
}

static bool is_default(PyObject *text) {
  Py_ssize_t length = 0;
  const char *bytes = type_of(text) == &PyUnicode_Type ? PyUnicode_AsUTF8AndSize(text, &length) : NULL;
  return bytes && strcmp(bytes, "default") == 0;
}

static bool is_genuine(int part, PyObject *value) {
  switch (parts[part].owner) {
    case BUILTINS: return type_of(value) == &PyCFunction_Type;
    /* Who has bytecode checked in a way of their own means that one. */
    case IMP: return type_of(value) == &PyCFunction_Type || is_default(value);
    default: return type_of(value) == &PyModule_Type || replaced_is_genuine(value);
  }
}

void replaced_start(void) {
  PyObject *external = PyImport_ImportModule("_frozen_importlib_external"), *imp = PyImport_ImportModule("_imp");
  PyObject *path_finder = PyObject_GetAttr(importlib.path_finder, names.dunder_dict);
  PyObject *file_finder = PyObject_GetAttr(importlib.file_finder, names.dunder_dict);
  bool found = external && imp && path_finder && file_finder;
  PyObject *const all[OWNERS] = {
      [LOADER] = importlib.loader_type,
      [EXTERNAL] = external ? PyModule_GetDict(external) : NULL,
      [BOOTSTRAP] = importlib.bootstrap_dict,
      [IMP] = imp ? PyModule_GetDict(imp) : NULL,
      [BUILTINS] = importlib.builtins_dict,
      [PATH_FINDER] = path_finder, /* kept for good, as the modules are */
      [FILE_FINDER] = file_finder,
  };
  memcpy(owners, all, sizeof owners);
  for (int i = 0; i < PARTS && found; i++) {
    known[i].name = PyUnicode_InternFromString(parts[i].name);
    PyObject *value = known[i].name ? now(i) : NULL;
    if (value && is_genuine(i, value))
      known[i].value = value;
    else
      drop(value);
  }
  PyErr_Clear();
}

bool replaced_any(enum use use) {
  for (int i = 0; i < PARTS; i++) {
    if (parts[i].use != use) continue;
    if (!known[i].value) return true;
    PyObject *value = now(i);
    bool same = value == known[i].value;
    drop(value);
    if (!same) return true;
  }
  return false;
}

void replaced_by_us(PyObject *stock, PyObject *instead) {
  for (int i = 0; i < PARTS; i++) {
    if (known[i].value != stock) continue;
    known[i].value = keep(instead);
    drop(stock);
  }
}

bool replaced_on_loader(PyObject *attributes) {
  for (int i = 0; i < PARTS; i++) {
    if (parts[i].owner == LOADER && parts[i].use == READING && item_of(attributes, known[i].name)) return true;
  }
  return false;
}
