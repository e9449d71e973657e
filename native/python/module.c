// SPDX-License-Identifier: Apache-2.0
// The module `_pycds`: on import it opens the archive named by PYCDS_ARCHIVE and, if that
// fits this interpreter, puts itself on sys.meta_path in front of the path finder. It
// never raises: whatever does not fit leaves importing as it was.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive.h"
#include "report.h"
#include "search.h"

/* sysexits.h EX_CONFIG: PYCDS=require was not met. */
#define EXIT_REQUIRE 78
#define CPYTHON_3_12 0x030c0000ul

static struct archive archive;
static struct {
  bool active;
  PyObject *spec_type, *loader_type, *path_finder; /* importlib's own */
  PyObject *run;                                   /* _call_with_frames_removed */
  PyObject *exec;                                  /* builtins.exec */
  PyObject *path_hooks[2];                         /* the two that CPython starts with */
  PyObject *true_object;
} runtime;

static void drop(PyObject *object) {
  if (object) Py_DecRef(object);
}

static bool set(PyObject *object, const char *name, PyObject *value) {
  bool done = value && PyObject_SetAttrString(object, name, value) == 0;
  drop(value);
  return done;
}

static PyObject *text(const char *bytes, uint32_t length) {
  return PyUnicode_DecodeUTF8(bytes, (Py_ssize_t)length, "surrogateescape");
}

static PyObject *none(void) {
  Py_IncRef(&_Py_NoneStruct);
  return &_Py_NoneStruct;
}

/* ---- loading ---- */

/* Counted when it runs, not when it is found: runpy and others only look. */
static void count_served(PyObject *spec) {
  PyObject *name = report.log && spec ? PyObject_GetAttrString(spec, "name") : NULL;
  report_served(name ? PyUnicode_AsUTF8AndSize(name, NULL) : NULL);
  drop(name);
  PyErr_Clear();
}

/* Stands as `exec_module` on one genuine SourceFileLoader, until it has run: afterwards
 * loader and spec are exactly what the path finder would have left. The body runs through
 * importlib's own trampoline, so that tracebacks and audit events stay the same. */
static PyObject *exec_module(PyObject *code, PyObject *module) {
  PyObject *spec = PyObject_GetAttrString(module, "__spec__");
  count_served(spec);
  PyObject *loader = spec ? PyObject_GetAttrString(spec, "loader") : NULL;
  PyObject *attributes = loader ? PyObject_GetAttrString(loader, "__dict__") : NULL;
  if (!attributes || PyDict_DelItemString(attributes, "exec_module") != 0) PyErr_Clear();
  drop(attributes);
  drop(loader);
  drop(spec);
  PyObject *namespace = PyObject_GetAttrString(module, "__dict__");
  if (!namespace) return NULL;
  PyObject *result = PyObject_CallFunctionObjArgs(runtime.run, runtime.exec, code, namespace, NULL);
  Py_DecRef(namespace);
  return result;
}

static PyMethodDef exec_method = {"exec_module", exec_module, METH_O, NULL};

static PyObject *new_loader(PyObject *name, PyObject *origin, PyObject *code) {
  PyObject *loader = PyObject_CallFunctionObjArgs(runtime.loader_type, name, origin, NULL);
  if (loader && !set(loader, "exec_module", PyCFunction_NewEx(&exec_method, code, NULL))) {
    Py_DecRef(loader);
    return NULL;
  }
  return loader;
}

static bool fill_spec(PyObject *spec, PyObject *origin, const struct pycds_unit_view *m) {
  Py_IncRef(origin);
  if (!set(spec, "origin", origin)) return false;
  Py_IncRef(runtime.true_object);
  if (!set(spec, "_set_fileattr", runtime.true_object)) return false;
  if (m->header->cached_bytes > 0 && !set(spec, "cached", text(m->cached, m->header->cached_bytes))) return false;
  if (!(m->header->flags & PYCDS_MODULE_PACKAGE)) return true;
  uint32_t length = m->header->origin_bytes;
  while (length > 1 && m->origin[length - 1] != '/') length--;
  PyObject *directory = text(m->origin, length > 1 ? length - 1 : length);
  PyObject *locations = PyList_New(0);
  if (!directory || !locations || PyList_Append(locations, directory) != 0) {
    drop(directory);
    drop(locations);
    return false;
  }
  Py_DecRef(directory);
  return set(spec, "submodule_search_locations", locations);
}

static PyObject *new_spec(PyObject *name, PyObject *code, const struct pycds_unit_view *m) {
  PyObject *origin = text(m->origin, m->header->origin_bytes);
  PyObject *loader = origin ? new_loader(name, origin, code) : NULL;
  PyObject *spec = loader ? PyObject_CallFunctionObjArgs(runtime.spec_type, name, loader, NULL) : NULL;
  if (spec && !fill_spec(spec, origin, m)) {
    Py_DecRef(spec);
    spec = NULL;
  }
  drop(loader);
  drop(origin);
  return spec;
}

/* ---- finding ---- */

static bool path_hooks_unchanged(void) {
  PyObject *hooks = PySys_GetObject("path_hooks");
  bool same = hooks && PySequence_Size(hooks) >= 2;
  for (Py_ssize_t i = 0; same && i < 2; i++) {
    PyObject *hook = PySequence_GetItem(hooks, i);
    same = hook == runtime.path_hooks[i];
    drop(hook);
  }
  PyErr_Clear();
  return same;
}

static enum pycds_miss check(PyObject *path, const struct found *found) {
  enum pycds_validate validate = archive.header.validate;
  if (!path_hooks_unchanged()) return PYCDS_MISS_PATH_HOOKS;
  if (path == &_Py_NoneStruct) path = PySys_GetObject("path");
  if (!path) return PYCDS_MISS_PATH_DIFFERS;
  enum pycds_miss miss = search_check(path, &found->unit, validate != PYCDS_VALIDATE_NONE);
  return miss ? miss : search_check_source(&found->unit, validate, archive.header.python_magic);
}

/* For reports only: asks the path finder itself, to learn whether a name that was not
 * served is a module that an archive could have held. */
static PyObject *find_missed(PyObject *args, const char *name, enum pycds_miss miss) {
  PyObject *find = PyObject_GetAttrString(runtime.path_finder, "find_spec");
  PyObject *spec = find ? PyObject_Call(find, args, NULL) : NULL;
  drop(find);
  PyObject *loader = spec && spec != &_Py_NoneStruct ? PyObject_GetAttrString(spec, "loader") : NULL;
  PyObject *type = loader ? PyObject_GetAttrString(loader, "__class__") : NULL;
  if (type == runtime.loader_type) report_missed(name, miss);
  drop(type);
  drop(loader);
  if (spec) PyErr_Clear();
  return spec;
}

static PyObject *find_spec(PyObject *self, PyObject *args, PyObject *keywords) {
  (void)self;
  static char *names[] = {"fullname", "path", "target", NULL};
  PyObject *name, *path = &_Py_NoneStruct, *target = &_Py_NoneStruct, *spec = NULL;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|OO", names, &name, &path, &target)) return NULL;
  if (!runtime.active) return none();
  Py_ssize_t length;
  const char *bytes = PyUnicode_AsUTF8AndSize(name, &length);
  if (!bytes) {
    PyErr_Clear();
    return none();
  }
  double start = report_wanted() ? report_clock() : 0;
  struct found found;
  enum pycds_miss miss = archive_find(&archive, PYCDS_UNIT_MODULE, bytes, (size_t)length, &found);
  if (!miss) miss = check(path, &found);
  if (!miss) {
    PyObject *code = archive_code(&archive, &found);
    spec = code ? new_spec(name, code, &found.unit) : NULL;
    if (!spec) miss = PYCDS_MISS_DAMAGED;
  }
  PyErr_Clear();
  if (report_wanted()) report.milliseconds += report_clock() - start;
  if (spec) return spec;
  return report_wanted() ? find_missed(args, bytes, miss) : none();
}

/* ---- starting ---- */

/* Modules that were imported from files before the hook ran. */
static void report_earlier(void) {
  PyObject *modules = PyImport_GetModuleDict(), *name, *module;
  Py_ssize_t at = 0;
  while (PyDict_Next(modules, &at, &name, &module)) {
    PyObject *loader = PyObject_GetAttrString(module, "__loader__");
    PyObject *type = loader ? PyObject_GetAttrString(loader, "__class__") : NULL;
    const char *bytes = type == runtime.loader_type ? PyUnicode_AsUTF8AndSize(name, NULL) : NULL;
    /* A script is no module of the search path. */
    if (bytes && strcmp(bytes, "__main__") != 0) report_missed(bytes, PYCDS_MISS_BEFORE_HOOK);
    drop(type);
    drop(loader);
    PyErr_Clear();
  }
}

static bool take(PyObject *module, const char *name, PyObject **out) {
  *out = module ? PyObject_GetAttrString(module, name) : NULL;
  return *out != NULL;
}

static bool find_importlib(void) {
  PyObject *bootstrap = PyImport_ImportModule("_frozen_importlib");
  PyObject *external = PyImport_ImportModule("_frozen_importlib_external");
  PyObject *builtins = PyImport_ImportModule("builtins");
  bool found =
      take(bootstrap, "ModuleSpec", &runtime.spec_type) && take(bootstrap, "_call_with_frames_removed", &runtime.run) &&
      take(external, "SourceFileLoader", &runtime.loader_type) && take(external, "PathFinder", &runtime.path_finder) &&
      take(builtins, "exec", &runtime.exec) && take(builtins, "True", &runtime.true_object);
  drop(bootstrap);
  drop(external);
  drop(builtins);
  return found;
}

static bool remember_path_hooks(void) {
  PyObject *hooks = PySys_GetObject("path_hooks");
  if (!hooks || PySequence_Size(hooks) < 2) return false;
  for (Py_ssize_t i = 0; i < 2; i++) runtime.path_hooks[i] = PySequence_GetItem(hooks, i);
  return runtime.path_hooks[0] && runtime.path_hooks[1];
}

static bool insert_finder(PyObject *self) {
  PyObject *finders = PySys_GetObject("meta_path");
  Py_ssize_t count = finders ? PyList_Size(finders) : -1;
  for (Py_ssize_t i = 0; i < count; i++) {
    if (PyList_GetItem(finders, i) == runtime.path_finder) return PyList_Insert(finders, i, self) == 0;
  }
  return false;
}

static enum pycds_reject start(PyObject *self, const char *path) {
  if (PyInterpreterState_GetID(PyInterpreterState_Get()) != 0) return PYCDS_REJECT_INTERPRETER;
  enum pycds_reject reject = archive_open(&archive, path);
  if (reject) return reject;
  if (!find_importlib() || !remember_path_hooks()) return PYCDS_REJECT_RUNTIME;
  if (report_wanted()) report_earlier();
  if (!insert_finder(self)) return PYCDS_REJECT_RUNTIME;
  runtime.active = true;
  return PYCDS_ACCEPTED;
}

static int exec_pycds(PyObject *self) {
  const char *path = getenv("PYCDS_ARCHIVE");
  const char *mode = getenv("PYCDS");
  if (!mode) mode = "auto";
  if (runtime.active || !path || !*path || strcmp(mode, "off") == 0) return 0;
  report.path = path;
  report.summary = strcmp(mode, "report") == 0;
  report.log = getenv("PYCDS_LOG") != NULL;
  double before = report_wanted() ? report_clock() : 0;
  report_rejected(start(self, path));
  PyErr_Clear();
  if (report.reject && strcmp(mode, "require") == 0) {
    report_unmet();
    _exit(EXIT_REQUIRE);
  }
  if (report_wanted()) report.milliseconds += report_clock() - before;
  if (report.summary) report_at_exit();
  return 0;
}

/* ---- for tools and tests ---- */

static PyObject *load_code(PyObject *self, PyObject *name) {
  (void)self;
  Py_ssize_t length;
  struct found found;
  const char *bytes = PyUnicode_AsUTF8AndSize(name, &length);
  if (!bytes) return NULL;
  enum pycds_miss miss = runtime.active ? archive_find(&archive, PYCDS_UNIT_MODULE, bytes, (size_t)length, &found)
                                        : PYCDS_MISS_NOT_ARCHIVED;
  PyObject *code = miss ? NULL : archive_code(&archive, &found);
  if (!code) {
    PyErr_SetString(PyExc_LookupError, pycds_miss_sentence(miss ? miss : PYCDS_MISS_DAMAGED));
    return NULL;
  }
  Py_IncRef(code);
  return code;
}

static PyObject *stats(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  PyObject *result = PyDict_New();
  if (!result) return NULL;
  unsigned long missed = 0;
  for (int i = 0; i < PYCDS_MISS_COUNT; i++) missed += report.missed[i];
  const char *reject = runtime.active || report.reject ? pycds_reject_code(report.reject) : "INACTIVE";
  struct {
    const char *name;
    PyObject *value;
  } items[] = {
      {"status", PyUnicode_FromStringAndSize(reject, (Py_ssize_t)strlen(reject))},
      {"served", PyLong_FromLong((long)report.served)},
      {"missed", PyLong_FromLong((long)missed)},
  };
  for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
    if (items[i].value) PyDict_SetItemString(result, items[i].name, items[i].value);
    drop(items[i].value);
  }
  return result;
}

static PyMethodDef methods[] = {
    {"find_spec", (PyCFunction)(void (*)(void))find_spec, METH_VARARGS | METH_KEYWORDS,
     "find_spec(fullname, path=None, target=None): the spec of an archived module, or None."},
    {"load_code", load_code, METH_O, "load_code(name): the archived code object; LookupError when there is none."},
    {"stats", stats, METH_NOARGS, "stats(): status, modules served and (with PYCDS=report or PYCDS_LOG) missed."},
    {NULL, NULL, 0, NULL},
};

/* CPython before 3.12 refuses the slot that 3.12 asks for, and before 3.13 that of 3.13. */
static PyModuleDef_Slot slots[3];

/* Objects of free-threaded builds begin with 16 bytes more. There the archive is refused,
 * but the module must still be one that can say so. */
static struct {
  uint64_t free_threaded[2];
  PyModuleDef module;
} definition = {.module = {
                    .base = {.refcount = 1},
                    .name = "_pycds",
                    .doc = "Code data sharing: serves imports from an archive of code objects.",
                    .methods = methods,
                    .slots = slots,
                }};

__attribute__((visibility("default"))) PyObject *PyInit__pycds(void);

PyObject *PyInit__pycds(void) {
  bool free_threaded = _Py_DecRefShared != NULL;
  slots[0] = (PyModuleDef_Slot){Py_mod_exec, (void *)exec_pycds};
  if (free_threaded) {
    /* Else the interpreter would take its lock back, with a warning. */
    slots[1] = (PyModuleDef_Slot){Py_mod_gil, PY_MOD_GIL_NOT_USED};
  } else if (&Py_Version && Py_Version >= CPYTHON_3_12) {
    slots[1] = (PyModuleDef_Slot){Py_mod_multiple_interpreters, PY_MOD_PER_INTERPRETER_GIL_SUPPORTED};
  }
  return PyModuleDef_Init(free_threaded ? (PyModuleDef *)(void *)&definition : &definition.module);
}
