// SPDX-License-Identifier: Apache-2.0
// The module `_pycds`: on import it opens the archive (see locate.h) and, if that
// fits this interpreter, takes part in importing from then on. It never raises: whatever
// does not fit leaves importing as it was.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../cpython/sys_flag.h"
#include "../../snapshot/locate.h"
#include "../../snapshot/thaw/thaw.h"
#include "../archive/readahead.h"
#include "../caches/ask.h"
#include "../decide/search.h"
#include "../host/clock.h"
#include "../host/collector.h"
#include "../host/frames.h"
#include "../host/handed.h"
#include "../host/importlib_digest.h"
#include "../host/locate.h"
#include "../host/replaced.h"
#include "../host/report.h"
#include "../learn/learn.h"
#include "../learn/log.h"
#include "../make/objects.h"
#include "../warm/anew.h"
#include "../warm/shadow.h"
#include "finder.h"
#include "get_code.h"
#include "runtime.h"
#include "takeover.h"

/* sysexits.h EX_CONFIG: PYCDS=require was not met. */
#define EXIT_REQUIRE 78
#define CPYTHON_3_12 0x030c0000ul

/* ---- starting ---- */

/* In a template: the names of what was there when the hook ran, one behind the other, the last one empty. What site has
 * imported since comes with the snapshot. NULL: there is no more than that yet. */
static char *earlier;

static void remember_earlier(void) {
  PyObject *modules = PyImport_GetModuleDict(), *name, *module;
  size_t used = 0;
  for (Py_ssize_t at = 0; PyDict_Next(modules, &at, &name, &module);) {
    const char *bytes = PyUnicode_AsUTF8AndSize(name, NULL);
    size_t length = bytes ? strlen(bytes) + 1 : 0;
    char *grown = realloc(earlier, used + length + 1);
    if (!grown) break;
    earlier = grown;
    if (bytes) memcpy(earlier + used, bytes, length);
    used += length;
    earlier[used] = 0;
  }
  PyErr_Clear();
}

static bool was_earlier(const char *name) {
  if (!earlier) return true;
  for (const char *one = earlier; *one; one += strlen(one) + 1) {
    if (strcmp(one, name) == 0) return true;
  }
  return false;
}

/* Modules that were imported from files before the hook ran. */
static void report_earlier(void) {
  PyObject *modules = PyImport_GetModuleDict(), *name, *module;
  Py_ssize_t at = 0;
  while (PyDict_Next(modules, &at, &name, &module)) {
    PyObject *loader = PyObject_GetAttr(module, names.dunder_loader);
    bool is_source = loader && type_of(loader) == (PyTypeObject *)importlib.loader_type;
    const char *bytes = is_source ? PyUnicode_AsUTF8AndSize(name, NULL) : NULL;
    /* A script is no module of the search path. */
    if (bytes && strcmp(bytes, "__main__") != 0 && was_earlier(bytes)) report_missed(bytes, PYCDS_MISS_BEFORE_HOOK);
    drop(loader);
    PyErr_Clear();
  }
}

/* -v is about importlib's own steps, which then have to be taken. */
static bool is_verbose(void) { return sys_flag("verbose") != 0; }

/* What needs no archive; in a template it is done before it is frozen. */
static bool prepare(void) {
  static bool done;
  if (done) return true;
  done = importlib_find();
  if (!done) return false;
  replaced_start();
  if (importlib.known) frames_start();
  return true;
}

/* The next archive; it is not in use before it is counted. */
static enum pycds_reject open_next(const char *path, bool is_learned) {
  struct archive *archive = &runtime.archives[runtime.count];
  enum pycds_reject reject = archive_open(archive, path);
  if (reject) return reject;
  if (is_learned && !learn_trusts(archive->fd)) return PYCDS_REJECT_WRITABLE;
  if (shadow_is_there())
    readahead_later(archive);
  else
    readahead_start(archive);
  return PYCDS_ACCEPTED;
}

static void use_next(bool is_learned) {
  struct archive *archive = &runtime.archives[runtime.count++];
  if (is_learned) runtime.learned = archive;
  unsigned caches = cache_open(archive);
  if (caches & CACHE_REGEXES) cache_regex_start(runtime.archives, runtime.count);
  handed_start(cache_source_start(archive, caches & CACHE_SOURCES));
}

static enum pycds_reject start(PyObject *self, const char *path, bool is_learned) {
  if (PyInterpreterState_GetID(PyInterpreterState_Get()) != 0) return PYCDS_REJECT_INTERPRETER;
  enum pycds_reject reject = open_next(path, is_learned);
  if (reject) return reject;
  if (!prepare()) return PYCDS_REJECT_RUNTIME;
  if (report_wanted()) report_earlier();
  if (!finder_insert(self)) return PYCDS_REJECT_RUNTIME;
  runtime.self = keep(self);
  use_next(is_learned);
  runtime.reads = get_code_install();
  const char *only_finder = getenv("PYCDS_TAKEOVER");
  if (only_finder && strcmp(only_finder, "off") == 0) return PYCDS_ACCEPTED;
  runtime.taken = importlib.known && !is_verbose() && takeover_install();
  /* The collector asks for a module that may be ready. */
  if (runtime.taken) collector_start(!shadow_start());
  return PYCDS_ACCEPTED;
}

/* Without an archive of the image: with one that an earlier start has learned, or so that a later one has one. */
static enum pycds_reject start_learned(PyObject *self, enum pycds_reject rejected) {
  const char *path = learn_find(self, NULL);
  if (path) {
    report.path = path;
    rejected = start(self, path, true);
    if (!rejected) learn_in_use(runtime.learned->fd);
  }
  if (!rejected || rejected == PYCDS_REJECT_INTERPRETER || !prepare() || !get_code_install()) return rejected;
  learn_start(path ? rejected : PYCDS_REJECT_MISSING);
  if (log_is_open()) collector_start(true);
  return rejected;
}

/* What the archive of the image lacks: from one that an earlier start has learned, or so that a later one has one. */
static void start_beside(PyObject *self) {
  const char *path = learn_find(self, &runtime.archives[0].header);
  enum pycds_reject rejected = path ? open_next(path, true) : PYCDS_REJECT_MISSING;
  if (!rejected) {
    use_next(true);
    report.beside = true;
    learn_in_use(runtime.learned->fd);
  } else if (runtime.reads) {
    learn_start(rejected);
  }
}

static enum pycds_reject look_for_learned(PyObject *self, enum pycds_reject rejected) {
  /* A sub-interpreter may run beside the main one, whose records these are. */
  if (PyInterpreterState_GetID(PyInterpreterState_Get()) != 0) return PYCDS_REJECT_INTERPRETER;
  /* The module may be made again: what has taken its place would then call itself. */
  static bool looked;
  if (looked) return rejected;
  looked = true;
  if (rejected)
    rejected = start_learned(self, rejected);
  else
    start_beside(self);
  learn_looked();
  return rejected;
}

static bool tell_learning(const char **code, const char **sentence) {
  static char text[1024];
  enum learn_status status = learn_status();
  *code = learn_status_code(status);
  snprintf(text, sizeof text, "%s (%s)", learn_status_sentence(status), learn_directory());
  *sentence = text;
  return status != LEARN_OFF;
}

/* A chart that has no value for it sets it to nothing. */
static bool has_value(const char *variable) {
  const char *value = getenv(variable);
  return value && *value;
}

/* `path`: of the archive. `snapshot`: what this process was made of, in so many milliseconds, or why it was not. */
static void run(PyObject *self, const char *path, const char *snapshot, enum snapshot_reject reject,
                double milliseconds) {
  const char *mode = getenv("PYCDS");
  if (!mode) mode = "auto";
  report.path = path;
  report.learning = tell_learning;
  report.summary = strcmp(mode, "report") == 0;
  report.log = has_value("PYCDS_LOG");
  report_snapshot(snapshot, reject, thaw_about(), milliseconds);
  clock_start();
  double before = report_wanted() ? report_clock() : 0;
  enum pycds_reject rejected = *path ? start(self, path, false) : PYCDS_REJECT_MISSING;
  if (learn_is_wanted(self)) rejected = look_for_learned(self, rejected);
  report_rejected(rejected);
  PyErr_Clear();
  /* A sub-interpreter is no start of the program that could fail. */
  bool unmet = report.reject && report.reject != PYCDS_REJECT_INTERPRETER;
  if (unmet && strcmp(mode, "require") == 0) {
    report_unmet();
    _exit(EXIT_REQUIRE);
  }
  if (report_wanted()) report.milliseconds += report_clock() - before;
  if (report.summary) report_at_exit();
}

static void run_thawed(void *self, double milliseconds, bool at_once) {
  report.at_once = at_once;
  const char *path = locate_archive(self);
  run(self, path, snapshot_locate(path, locate_ignores_paths()), SNAPSHOT_ACCEPTED, milliseconds);
}

static int exec_pycds(PyObject *self) {
  if (runtime.count > 0) return 0;
  const char *mode = getenv("PYCDS"), *path = locate_archive(self);
  if ((!*path && !learn_is_wanted(self)) || (mode && strcmp(mode, "off") == 0)) return 0;
  static const struct template_calls calls = {
      .run = run_thawed,
      .list = search_list,
      .listed = search_listed,
      .adopt = shadow_adopt,
      .libraries = anew_libraries,
      .refuses = anew_refuses,
      .needs = anew_needs,
      .libraries_again = anew_libraries_again,
      .global = anew_global,
      .leave_global = anew_leave_global,
      .module_again = anew_module,
  };
  if (thaw_is_template(self, &calls)) {
    prepare();
    remember_earlier();
    PyErr_Clear();
    return 0;
  }
  const char *snapshot = snapshot_locate(path, locate_ignores_paths());
  enum snapshot_reject reject = thaw(&snapshot);
  /* KeyboardInterrupt. */
  if (reject == SNAPSHOT_REJECT_INTERRUPTED) return -1;
  run(self, path, snapshot, reject, 0);
  return 0;
}

/* ---- for tools and tests ---- */

static PyObject *load_code(PyObject *self, PyObject *name) {
  (void)self;
  Py_ssize_t length;
  struct found found;
  const char *bytes = PyUnicode_AsUTF8AndSize(name, &length);
  if (!bytes) return NULL;
  enum pycds_miss miss = runtime_find(ARCHIVE_NAME, (struct text){bytes, (size_t)length}, &found);
  PyObject *code = miss ? NULL : objects_code(found.archive, &found);
  if (!code) {
    PyErr_SetString(PyExc_LookupError, pycds_miss_sentence(miss ? miss : PYCDS_MISS_DAMAGED));
    return NULL;
  }
  objects_hand_out(found.archive, found.number);
  return keep(code);
}

/* Of the import system as it is now; "" when its functions are no Python functions. */
static PyObject *digest_text(void) {
  /* Objects of free-threaded builds look different; there is no archive for them. */
  if (_Py_DecRefShared) return PyUnicode_FromStringAndSize(NULL, 0);
  PyObject *bootstrap = runtime.count > 0 ? NULL : PyImport_ImportModule("_frozen_importlib");
  PyObject *external = bootstrap ? PyImport_ImportModule("_frozen_importlib_external") : NULL;
  uint64_t digest = external ? importlib_digest(bootstrap, external) : importlib.digest;
  char text[17];
  int length = snprintf(text, sizeof text, "%016llx", (unsigned long long)digest);
  drop(bootstrap);
  drop(external);
  return PyUnicode_FromStringAndSize(text, digest ? length : 0);
}

static PyObject *stats(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  PyObject *result = PyDict_New();
  if (!result) return NULL;
  unsigned long missed = 0;
  for (int i = 0; i < PYCDS_MISS_COUNT; i++) missed += report.missed[i];
  const char *reject = runtime.count > 0 || report.reject ? pycds_reject_code(report.reject) : "INACTIVE";
  const char *snapshot = "ABSENT";
  if (report.snapshot) snapshot = report.snapshot_reject ? snapshot_reject_code(report.snapshot_reject) : "THAWED";
  struct {
    const char *name;
    PyObject *value;
  } items[] = {
      {"status", PyUnicode_FromStringAndSize(reject, (Py_ssize_t)strlen(reject))},
      {"served", PyLong_FromLong((long)report.served)},
      {"served_by_get_code", PyLong_FromLong((long)report.read)},
      {"served_by_learned", PyLong_FromLong((long)report.learned)},
      {"missed", PyLong_FromLong((long)missed)},
      {"regexes", PyLong_FromLong((long)report.cached[REPORT_REGEX])},
      {"regexes_missed", PyLong_FromLong((long)report.uncached[REPORT_REGEX])},
      {"sources", PyLong_FromLong((long)report.cached[REPORT_SOURCE])},
      {"sources_missed", PyLong_FromLong((long)report.uncached[REPORT_SOURCE])},
      {"takeover", PyLong_FromLong(runtime.taken)},
      {"snapshot", PyUnicode_FromStringAndSize(snapshot, (Py_ssize_t)strlen(snapshot))},
      {"ready", PyLong_FromLong((long)report.put)},
      {"learning", PyUnicode_InternFromString(learn_status_code(learn_status()))},
      {"importlib", digest_text()},
  };
  for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
    if (items[i].value) PyDict_SetItemString(result, items[i].name, items[i].value);
    drop(items[i].value);
  }
  return result;
}

static PyObject *invalidate_caches(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  search_forget();
  return none();
}

static PyMethodDef methods[] = {
    {"find_spec", (PyCFunction)(void (*)(void))finder_find_spec, METH_VARARGS | METH_KEYWORDS,
     "find_spec(fullname, path=None, target=None): the spec of an archived module, or None."},
    {"invalidate_caches", invalidate_caches, METH_NOARGS, "invalidate_caches(): forgets directory listings."},
    {"load_code", load_code, METH_O, "load_code(name): the archived code object; LookupError when there is none."},
    {"stats", stats, METH_NOARGS,
     "stats(): status, modules served, those of them by get_code and from what was\n"
     "learned, and (with PYCDS=report or PYCDS_LOG) missed,\n"
     "whether importlib's _find_and_load was taken over, digest of importlib; THAWED, ABSENT or why the snapshot was "
     "not\n"
     "used, and how many modules came from it."},
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
