// SPDX-License-Identifier: Apache-2.0
// Does for an archived module what _find_and_load does when the path finder finds a source
// file, in the same order. Whatever is not plain (a finder in front, a package that is being
// imported elsewhere, a module that is loaded twice) is left to the original, as long as
// nothing has been done that could be seen.
#include "takeover.h"

#include "../../cpython/pending.h"
#include "../caches/ask.h"
#include "../decide/conditions.h"
#include "../host/clock.h"
#include "../host/collector.h"
#include "../host/frames.h"
#include "../host/locks.h"
#include "../host/report.h"
#include "../learn/regexes.h"
#include "../make/objects.h"
#include "../make/parts.h"
#include "../warm/shadow.h"
#include "runtime.h"

static PyObject *stock_find_and_load;
static PyObject *const *const watched_names[] = {&names.find_and_load_unlocked, &names.load_unlocked,
                                                 &names.bootstrap_find_spec, &names.init_module_attrs,
                                                 &names.module_from_spec};
enum { WATCHED = sizeof watched_names / sizeof *watched_names };
/* What the original calls, in the order of `watched_names`: a program that replaces one of
 * them means that one to be called. Kept for good: another function could be made where one
 * that is gone has been, and would be taken for it. */
static PyObject *watched[WATCHED];

/* One import, from the name to the module that is about to run. */
struct import {
  PyObject *name, *import; /* borrowed: arguments */
  struct text text;
  PyObject *parent_name, *child_name; /* NULL at the top level */
  PyObject *submodules;               /* parent.__spec__._uninitialized_submodules, or NULL */
  PyObject *code;                     /* borrowed: never freed */
  struct archive *archive;            /* that the code is from */
  PyObject *spec, *module;
  struct in_flight *flight;
};

static bool is_unchanged(void) {
  for (int i = 0; i < WATCHED; i++) {
    if (item_of(importlib.bootstrap_dict, *watched_names[i]) != watched[i]) return false;
  }
  return item_of(importlib.sys_dict, names.modules) == importlib.modules;
}

/* ---- the parent ---- */

__attribute__((noinline)) static bool split_name(struct import *im) {
  struct text child = text_after_dot(im->text);
  if (child.length == im->text.length) return true;
  im->parent_name = PyUnicode_FromStringAndSize(im->text.bytes, child.bytes - im->text.bytes - 1);
  im->child_name = PyUnicode_FromStringAndSize(child.bytes, (Py_ssize_t)child.length);
  if (im->child_name) PyUnicode_InternInPlace(&im->child_name);
  return im->parent_name && im->child_name;
}

static bool is_initializing(PyObject *module) {
  PyObject *spec = attribute_of(module, names.dunder_spec);
  PyObject *value = spec ? attribute_of(spec, names.initializing) : NULL;
  bool initializing = value && value != importlib.false_object;
  drop(value);
  drop(spec);
  return initializing;
}

/* Whether a package above is being initialised by somebody else, for whom the original
 * would wait. `length` is that of the package's name. */
static bool must_wait_for(const struct import *im, size_t length) {
  PyObject *name = PyUnicode_FromStringAndSize(im->text.bytes, (Py_ssize_t)length);
  PyObject *module = name ? item_of(importlib.modules, name) : NULL;
  bool wait = !name || (module && !locks_mine((struct text){im->text.bytes, length}) && is_initializing(module));
  drop(name);
  return wait;
}

static bool must_wait(const struct import *im) {
  if (!(importlib.features & (WAITS_FOR_PARENT | WAITS_FOR_ANCESTORS))) return false;
  size_t end = (size_t)(text_after_dot(im->text).bytes - im->text.bytes) - 1;
  size_t start = importlib.features & WAITS_FOR_ANCESTORS ? 0 : end;
  for (size_t at = start; at <= end; at++) {
    if (im->text.bytes[at] == '.' && must_wait_for(im, at)) return true;
  }
  return false;
}

/* Sets *path to what has to be searched (a new reference); false: for the original. */
static bool find_path(struct import *im, PyObject **path) {
  if (!im->parent_name) {
    PyObject *own = item_of(importlib.sys_dict, names.path);
    *path = own ? keep(own) : NULL;
    return own != NULL;
  }
  PyObject *parent = item_of(importlib.modules, im->parent_name);
  if (!parent || must_wait(im)) return false;
  if (importlib.features & TRACKS_SUBMODULES) {
    PyObject *spec = attribute_of(parent, names.dunder_spec);
    bool has_none = spec == &_Py_NoneStruct;
    im->submodules = spec && !has_none ? attribute_of(spec, names.uninitialized_submodules) : NULL;
    drop(spec);
    if (!has_none && (!im->submodules || type_of(im->submodules) != &PyList_Type)) return false;
  }
  PyObject *own = attribute_of(parent, names.dunder_path);
  if (own && type_of(own) != &PyList_Type) {
    *path = PySequence_List(own);
    drop(own);
  } else {
    *path = own;
  }
  return *path != NULL;
}

/* ---- before anything can be seen ---- */

static bool make(struct import *im, const struct facts *facts, struct parts *parts) {
  PyObject *loader = loading_loader(parts);
  im->spec = loader ? loading_spec(parts, loader) : NULL;
  PyObject *empty = im->parent_name || facts->is_package ? NULL : PyUnicode_FromStringAndSize(NULL, 0);
  PyObject *package = facts->is_package ? im->name : im->parent_name ? im->parent_name : empty;
  im->module = im->spec && package ? loading_module(parts, im->spec, loader, package) : NULL;
  drop(empty);
  drop(loader);
  return im->module != NULL;
}

/* Whether it may be served, and its code. `found` is as of before the search path was
 * asked for, which may have run Python code. */
static bool find_code(struct import *im, PyObject *path, struct found *found) {
  if (found->generation != found->archive->generation && runtime_find(ARCHIVE_NAME, im->text, found) != PYCDS_SERVED)
    return false;
  if (runtime_check(path, found) != PYCDS_SERVED || runtime_check_source(found) != PYCDS_SERVED) return false;
  im->code = objects_code(found->archive, found);
  im->archive = found->archive;
  if (im->code) cache_regex_found(im->text.bytes, im->text.length, im->code);
  return im->code != NULL;
}

/* Everything up to the module that is ready to run. */
__attribute__((noinline)) static bool prepare(struct import *im) {
  struct found found;
  struct parts parts;
  PyObject *path = NULL;
  if (runtime_find(ARCHIVE_NAME, im->text, &found) != PYCDS_SERVED) return false;
  if (!objects_are_left(found.archive, found.number)) return false;
  struct facts facts = facts_of(&found);
  bool ready = is_unchanged() && conditions_are_first(runtime.self, im->name, &facts) && find_path(im, &path) &&
               find_code(im, path, &found);
  drop(path);
  if (!ready) return false;
  facts = facts_of(&found);
  if (!parts_make(&parts, im->name, &facts)) return false;
  ready = make(im, &facts, &parts);
  parts_clear(&parts);
  if (ready) im->flight = locks_enter(im->name, &facts);
  /* Python code may have run meanwhile, in a finaliser or another thread. */
  ready = im->flight && !item_of(importlib.modules, im->name) && objects_are_left(found.archive, found.number);
  if (ready) objects_hand_out(found.archive, found.number);
  return ready;
}

/* ---- loading ---- */

__attribute__((noinline)) static int audit_import(PyObject *name) {
  PyObject *path = item_of(importlib.sys_dict, names.path);
  PyObject *finders = item_of(importlib.sys_dict, names.meta_path);
  PyObject *hooks = item_of(importlib.sys_dict, names.path_hooks), *empty = &_Py_NoneStruct;
  return PySys_Audit("import", "OOOOO", name, empty, path ? path : empty, finders ? finders : empty,
                     hooks ? hooks : empty);
}

/* The module goes to the end of sys.modules; it may have put something else there. */
__attribute__((noinline)) static PyObject *move_to_end(PyObject *name) {
  PyObject *module = PyDict_GetItemWithError(importlib.modules, name);
  if (!module) {
    if (!PyErr_Occurred()) PyErr_SetObject(PyExc_KeyError, name);
    return NULL;
  }
  Py_IncRef(module);
  if (PyDict_DelItem(importlib.modules, name) == 0 && PyDict_SetItem(importlib.modules, name, module) == 0) {
    return module;
  }
  Py_DecRef(module);
  return NULL;
}

/* Undoes what an import that fails leaves behind, and keeps its exception. */
__attribute__((noinline)) static void remove_failed(PyObject *name) {
  struct pending pending = pending_take();
  PyDict_DelItem(importlib.modules, name);
  pending_restore(pending);
}

__attribute__((noinline)) static void set_initialized(PyObject *spec) {
  struct pending pending = pending_take();
  PyObject_SetAttr(spec, names.initializing, importlib.false_object);
  pending_restore(pending);
}

static PyObject *load(const struct import *im) {
  PyObject *result = NULL;
  if (PyObject_SetAttr(im->spec, names.initializing, importlib.true_object) != 0) return NULL;
  if (PyDict_SetItem(importlib.modules, im->name, im->module) == 0) {
    collector_age();
    PyObject *done = frames_run(im->code, PyModule_GetDict(im->module));
    collector_age();
    if (done) {
      cache_regex_ran(im->code, im->module);
      regexes_attach();
    }
    if (done)
      result = move_to_end(im->name);
    else
      remove_failed(im->name);
    drop(done);
  }
  set_initialized(im->spec);
  return result;
}

static PyObject *load_as_submodule(const struct import *im) {
  if (!im->submodules) return load(im);
  if (PyList_Append(im->submodules, im->child_name) != 0) return NULL;
  PyObject *module = load(im);
  Py_ssize_t size = PyList_Size(im->submodules);
  struct pending pending = pending_take();
  if (size > 0) PyList_SetSlice(im->submodules, size - 1, size, NULL);
  pending_restore(pending);
  return module;
}

/* An attribute that cannot be set is only worth a warning. */
__attribute__((noinline)) static bool bind_to_parent(const struct import *im, PyObject *module) {
  PyObject *parent = PyDict_GetItemWithError(importlib.modules, im->parent_name);
  if (!parent) {
    if (!PyErr_Occurred()) PyErr_SetObject(PyExc_KeyError, im->parent_name);
    return false;
  }
  Py_IncRef(parent);
  int done = PyObject_SetAttr(parent, im->child_name, module);
  Py_DecRef(parent);
  if (done == 0) return true;
  if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return false;
  PyErr_Clear();
  return PyErr_WarnFormat(PyExc_ImportWarning, 1, "Cannot set an attribute on %R for child module %R", im->parent_name,
                          im->child_name) == 0;
}

__attribute__((noinline)) static bool set_lazy_attributes(const struct import *im, PyObject *module) {
  PyObject *result = PyObject_CallFunctionObjArgs(importlib.set_lazy_attributes, module, im->name, NULL);
  drop(result);
  if (result) return true;
  if (!PyErr_ExceptionMatches(PyExc_Exception)) return false;
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  int warned =
      PyErr_WarnFormat(PyExc_ImportWarning, 1, "Cannot set lazy attributes on %R: %R", im->name, value ? value : type);
  drop(type);
  drop(value);
  drop(traceback);
  return warned == 0;
}

static PyObject *finish(const struct import *im) {
  report_served(report.log ? im->text.bytes : NULL);
  runtime_served(im->archive);
  PyObject *module = load_as_submodule(im);
  bool done = module && (!im->parent_name || bind_to_parent(im, module)) &&
              (!(importlib.features & SETS_LAZY_ATTRIBUTES) || set_lazy_attributes(im, module));
  if (done || !module) return module;
  Py_DecRef(module);
  return NULL;
}

/* ---- the function ---- */

/* Imports a parent that is not there yet, before the module itself is looked at. False
 * with an exception: it failed. */
__attribute__((noinline)) static bool import_parent(const struct import *im, bool *audited) {
  if (!im->parent_name || item_of(importlib.modules, im->parent_name)) return true;
  struct found found;
  /* For a module that will not be served the original does this, too, and in its own order. */
  if (runtime_find(ARCHIVE_NAME, im->text, &found) != PYCDS_SERVED || !is_unchanged()) return true;
  if (importlib.features & RAISES_IMPORT_EVENT) {
    if (audit_import(im->name) != 0) return false;
    *audited = true;
  }
  PyObject *parent = frames_import(im->import, im->parent_name);
  drop(parent);
  return parent != NULL;
}

/* Sets *result to the module, or to NULL with an exception; false: for the original. */
static bool serve(struct import *im, PyObject **result) {
  bool audited = !(importlib.features & RAISES_IMPORT_EVENT);
  *result = NULL;
  if (!split_name(im) || !import_parent(im, &audited)) return true;
  double start = report_wanted() ? report_clock() : 0;
  bool ready = !item_of(importlib.modules, im->name) && prepare(im);
  if (report_wanted()) report.milliseconds += report_clock() - start;
  if (!ready) return false;
  if (audited || audit_import(im->name) == 0) *result = finish(im);
  return true;
}

static bool may_serve(PyObject *const *args, Py_ssize_t count, PyObject *keywords, struct import *im) {
  if (runtime.count == 0 || count != 2 || keywords || type_of(args[0]) != &PyUnicode_Type) return false;
  Py_ssize_t length;
  const char *bytes = PyUnicode_AsUTF8AndSize(args[0], &length);
  if (!bytes) PyErr_Clear();
  if (!bytes || item_of(importlib.modules, args[0])) return false;
  *im = (struct import){.name = args[0], .import = args[1], .text = {bytes, (size_t)length}};
  return true;
}

/* A module of the snapshot that this process was made of. */
static bool serve_ready(const struct import *im, PyObject **result) {
  return is_unchanged() && shadow_serve(im->name, runtime.self, &runtime.archives[0].header, result);
}

static PyObject *call_original(PyObject *const *args, Py_ssize_t count, PyObject *keywords) {
  if (count == 2 && !keywords) return PyObject_CallFunctionObjArgs(stock_find_and_load, args[0], args[1], NULL);
  PyObject *positional = PyTuple_New(count), *named = keywords ? PyDict_New() : NULL, *result = NULL;
  bool made = positional && (named || !keywords);
  for (Py_ssize_t i = 0; made && i < count; i++) made = PyTuple_SetItem(positional, i, keep(args[i])) == 0;
  for (Py_ssize_t i = 0; made && keywords && i < PyTuple_Size(keywords); i++) {
    made = PyDict_SetItem(named, PyTuple_GetItem(keywords, i), args[count + i]) == 0;
  }
  if (made) result = PyObject_Call(stock_find_and_load, positional, named);
  drop(positional);
  drop(named);
  return result;
}

/* Apart, like all that a body does not need while it runs: in a chain of imports it would lie on the stack as often. */
__attribute__((noinline)) static bool try_to_serve(PyObject *const *args, Py_ssize_t count, PyObject *keywords,
                                                   PyObject **result) {
  struct import im = {0};
  bool served = may_serve(args, count, keywords, &im) && (serve_ready(&im, result) || serve(&im, result));
  if (im.flight) locks_leave(im.flight);
  drop(im.parent_name);
  drop(im.child_name);
  drop(im.submodules);
  drop(im.spec);
  drop(im.module);
  return served;
}

static PyObject *import_counted(PyObject *const *args, Py_ssize_t count, PyObject *keywords) {
  PyObject *result = NULL;
  if (try_to_serve(args, count, keywords, &result)) return result;
  PyErr_Clear();
  return call_original(args, count, keywords);
}

static PyObject *find_and_load(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keywords) {
  clock_import();
  (void)self;
  if (!(importlib.features & COUNTS_BUILTINS)) return import_counted(args, count, keywords);
  /* The original is a function of Python, which is counted by its frame alone. */
  Py_LeaveRecursiveCall();
  PyObject *result = import_counted(args, count, keywords);
  if (Py_EnterRecursiveCall(" while importing") == 0) return result;
  drop(result);
  return NULL;
}

bool takeover_install(void) {
  static PyMethodDef method = {"_find_and_load", (PyCFunction)(void (*)(void))find_and_load,
                               METH_FASTCALL | METH_KEYWORDS, "Find and load the module."};
  stock_find_and_load = item_of(importlib.bootstrap_dict, names.find_and_load);
  for (int i = 0; i < WATCHED; i++) {
    watched[i] = item_of(importlib.bootstrap_dict, *watched_names[i]);
    if (watched[i]) Py_IncRef(watched[i]);
  }
  PyObject *function = PyCFunction_NewEx(&method, &_Py_NoneStruct, NULL);
  bool done = stock_find_and_load && function && locks_install();
  if (done) {
    Py_IncRef(stock_find_and_load);
    done = PyDict_SetItem(importlib.bootstrap_dict, names.find_and_load, function) == 0;
  }
  drop(function);
  return done;
}
