// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "warm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../cpython/object.h"
#include "../../cpython/type.h"
#include "../listing.h"
#include "asking.h"
#include "authorities.h"
#include "called.h"
#include "engine.h"
#include "failing.h"
#include "frames.h"
#include "holes.h"
#include "lacks.h"
#include "libraries.h"
#include "pairs.h"
#include "probe.h"
#include "reads.h"
#include "rewrite.h"
#include "variables.h"
#include "watch.h"

/* A file: of lines, each the name of a module, for a template that is watched; else the record of one. */
#define VARIABLE "PYCDS_FREEZE_WARM"
/* A file: the main programs that the snapshot is used for; without one it is used for all. */
#define PROGRAMS_VARIABLE "PYCDS_FREEZE_PROGRAMS"
/* A file: the record of the template that was watched before, for one that is watched elsewhere. */
#define SEEN_VARIABLE "PYCDS_FREEZE_SEEN"
#define PUT_OFF 8
/* Of what holds no more than so many, changes that leave as many are seen (namespaces.py). */
#define MOST_KEYS 64
/* Types are larger than what has pools, and smaller than this. */
#define LARGEST_MOVED 4096

PYCDS_PYAPI int PyDict_Update(PyObject *, PyObject *);
PYCDS_PYAPI void PyDict_Clear(PyObject *);
PYCDS_PYAPI Py_ssize_t PyDict_Size(PyObject *);
PYCDS_PYAPI Py_ssize_t PySet_Size(PyObject *);
PYCDS_PYAPI PyObject *PyObject_GetIter(PyObject *);
PYCDS_PYAPI PyObject *PyIter_Next(PyObject *);
PYCDS_PYAPI char *PyBytes_AsString(PyObject *);
PYCDS_PYAPI extern PyTypeObject PySet_Type;
PYCDS_PYAPI Py_ssize_t PyGC_Collect(void);
PYCDS_PYAPI int PyObject_GC_IsTracked(PyObject *);
PYCDS_PYAPI void PyObject_GC_Track(void *);
PYCDS_PYAPI void PyObject_GC_UnTrack(void *);
PYCDS_PYAPI void *PyObject_Malloc(size_t bytes);
PYCDS_PYAPI PyObject *PyContext_CopyCurrent(void);
PYCDS_PYAPI unsigned long PyType_GetFlags(PyTypeObject *);
PYCDS_PYAPI extern PyTypeObject PyCMethod_Type;

#define SOURCE(name)                                                                                                   \
  __asm__(".section .rodata\n.global " #name "_source\n" #name "_source:\n.incbin \"snapshot/warm/" #name              \
          ".py\"\n.byte 0\n.previous\n");                                                                              \
  extern __attribute__((visibility("hidden"))) const char name##_source[];
#include "sources.def"
#undef SOURCE

static struct {
  const char *modules;  /* a path; NULL: nothing is imported */
  const char *programs; /* a path, or NULL */
  const char *seen;     /* the same: a record */
  bool watching;
  bool elsewhere; /* watched at another time, on another host */
  bool again;     /* watched once more, with objects at other addresses */
  PyObject *globals, *recorder;
  PyObject *find_and_load, *import; /* those that are stood in for */
  PyObject *replaced[PUT_OFF];      /* what stands for functions whose calls are put off */
  PyObject *originals[PUT_OFF], *holders[PUT_OFF];
  const char *names[PUT_OFF];
  int replaced_count;
  PyCFunction subclasses; /* of all types */
} warm;

static PyObject *method_of(const char *name) {
  PyObject *method = PyObject_GetAttrString(warm.recorder, name);
  must(method, name);
  return method;
}

/* Calls a method of the recorder, which never fails. */
static PyObject *tell(const char *name, PyObject *a, PyObject *b, PyObject *c) {
  PyObject *method = method_of(name);
  PyObject *result = PyObject_CallFunctionObjArgs(method, a, b, c, NULL);
  Py_DecRef(method);
  must(result, name);
  return result;
}

/* What is being loaded from now on. */
static void note_stack(void) {
  PyObject *stack = PyObject_GetAttrString(warm.recorder, "stack");
  must(stack, "stack");
  Py_ssize_t depth = PyList_Size(stack);
  called_during(depth > 1 ? PyList_GetItem(stack, depth - 1) : NULL);
  drop(stack);
}

/* ---- what stands between ---- */

static PyObject *find_and_load(PyObject *self, PyObject *args) {
  (void)self;
  PyObject *name = PyTuple_GetItem(args, 0);
  PyObject *there = tell("begin", name, NULL, NULL);
  if (there != &_Py_NoneStruct) return there;
  Py_DecRef(there);
  if (warm.watching) note_stack();
  PyObject *result = PyObject_Call(warm.find_and_load, args, NULL), *type = NULL, *value = NULL, *traceback = NULL;
  PyErr_Fetch(&type, &value, &traceback);
  if (type) PyErr_NormalizeException(&type, &value, &traceback);
  drop(tell("end", name, value ? value : &_Py_NoneStruct, NULL));
  if (warm.watching) note_stack();
  PyErr_Restore(type, value, traceback);
  return result;
}

static PyObject *import(PyObject *self, PyObject *args, PyObject *keywords) {
  static char *names[] = {"name", "globals", "locals", "fromlist", "level", NULL};
  PyObject *name, *globals = &_Py_NoneStruct, *locals = NULL, *list = &_Py_NoneStruct;
  int level = 0;
  (void)self;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|OOOi", names, &name, &globals, &locals, &list, &level))
    return NULL;
  PyObject *number = PyLong_FromLong(level);
  drop(tell("asked", name, globals, number));
  Py_DecRef(number);
  PyObject *module = PyObject_Call(warm.import, args, keywords);
  if (module && list != &_Py_NoneStruct && PyObject_IsTrue(list) == 1) drop(tell("answered", module, list, NULL));
  return module;
}

/* warn of _warnings; `self` is the original. */
static PyObject *warn(PyObject *self, PyObject *args, PyObject *keywords) {
  PyObject *named = keywords ? keep(keywords) : PyDict_New();
  PyObject *expected = tell("warns", args, named, NULL);
  drop(named);
  PyObject *result = PyObject_Call(self, args, keywords);
  if (result && expected != &_Py_NoneStruct) drop(tell("warned", expected, NULL, NULL));
  drop(expected);
  return result;
}

/* create_dynamic and exec_dynamic of _imp; `self` is the original. */
static PyObject *run_extension(PyObject *self, PyObject *args) {
  PyObject *saved = tell("extension_begins", NULL, NULL, NULL);
  PyObject *result = PyObject_Call(self, args, NULL), *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  drop(tell("extension_ends", saved, NULL, NULL));
  PyErr_Restore(type, value, traceback);
  Py_DecRef(saved);
  return result;
}

static int audit(const char *event, PyObject *args, void *data) {
  (void)data;
  if (!warm.recorder || strcmp(event, "import") == 0 || strcmp(event, "exec") == 0) return 0;
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyObject *name = text_of(event);
  drop(tell("audit", name, args, NULL));
  Py_DecRef(name);
  PyErr_Restore(type, value, traceback);
  return 0;
}

/* Include/cpython/pystate.h, Include/pystate.h */
#define PyTrace_CALL 0
#define PyTrace_C_CALL 4
PYCDS_PYAPI void PyEval_SetProfile(int (*)(PyObject *, void *frame, int what, PyObject *), PyObject *);

/* Functions in C that need not be looked at again. */
static struct pairs harmless;

static bool is_in_c(PyObject *function) {
  return type_of(function) == &PyCFunction_Type || type_of(function) == &PyCMethod_Type;
}

/* There is no other way to see that a class was asked for those that are derived from it, who has called which function,
 * or that something was changed which only C code keeps. */
static int profile(PyObject *self, void *frame, int what, PyObject *function) {
  (void)self;
  if (what == PyTrace_CALL) called_note(frame);
  if (what != PyTrace_C_CALL || !warm.recorder || !is_in_c(function)) return 0;
  PyCFunction meth = PyCFunction_GetFunction(function);
  struct pair one = {(const void *)(uintptr_t)meth, NULL};
  if (pairs_has(&harmless, one)) return 0;
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  if (meth == warm.subclasses) {
    PyObject *of = PyObject_GetAttrString(function, "__self__");
    if (of) drop(tell("asked_classes", of, NULL, NULL));
    drop(of);
  } else {
    PyObject *is_known = tell("calls", function, NULL, NULL);
    if (is_known != &_Py_TrueStruct) pairs_add(&harmless, one);
    drop(is_known);
  }
  PyErr_Restore(type, value, traceback);
  return 0;
}

/* ---- functions whose calls are put off ---- */

static bool is_registering(PyObject *place) {
  Py_ssize_t length;
  const char *name = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(place, 1), &length);
  return name && strcmp(name, "register") == 0;
}

/* `self`: (name of the module, name of the function). */
static PyObject *put_off_call(PyObject *self, PyObject *args, PyObject *keywords) {
  PyObject *named = keywords ? keep(keywords) : PyDict_New();
  drop(tell("called", self, args, named));
  drop(named);
  /* atexit.register is used as a decorator. */
  return is_registering(self) && PyTuple_Size(args) > 0 ? keep(PyTuple_GetItem(args, 0)) : none();
}

#define METHOD_PUT_OFF(name)                                                                                           \
  { name, (PyCFunction)(void (*)(void))put_off_call, METH_VARARGS | METH_KEYWORDS, NULL }

static void replace(PyObject *holder, const char *module, const char *name) {
  static PyMethodDef methods[] = {
      METHOD_PUT_OFF("register"), METHOD_PUT_OFF("unregister"), METHOD_PUT_OFF("register_at_fork"),
      METHOD_PUT_OFF("init"),     METHOD_PUT_OFF("deinit"),     METHOD_PUT_OFF("reinit"),
      {NULL, NULL, 0, NULL}};
  PyObject *place = PyTuple_New(2);
  PyTuple_SetItem(place, 0, text_of(module));
  PyTuple_SetItem(place, 1, text_of(name));
  PyMethodDef *method = methods;
  while (method->ml_name && strcmp(method->ml_name, name) != 0) method++;
  int i = warm.replaced_count++;
  if (i >= PUT_OFF || !method->ml_name) freeze_refuse("%s is imported twice", module);
  warm.names[i] = method->ml_name;
  warm.originals[i] = PyObject_GetAttrString(holder, name);
  warm.replaced[i] = PyCFunction_NewEx(method, place, NULL);
  warm.holders[i] = keep(holder);
  Py_DecRef(place);
  must(warm.originals[i] && warm.replaced[i] ? warm.replaced[i] : NULL, module);
  PyObject_SetAttrString(holder, name, warm.replaced[i]);
}

/* put_off(module, its name, name of the function), for the recorder. */
static PyObject *put_off(PyObject *self, PyObject *args) {
  PyObject *module;
  const char *name, *function;
  (void)self;
  if (!PyArg_ParseTuple(args, "Oss", &module, &name, &function)) return NULL;
  replace(module, name, function);
  return none();
}

/* Puts the functions back, also in copies of the module; whatever else has kept one would call it for ever. */
static void stop_putting_off(void) {
  PyObject *count_of = PySys_GetObject("getrefcount");
  for (int i = 0; i < warm.replaced_count; i++) {
    const char *name = warm.names[i];
    PyObject_SetAttrString(warm.holders[i], name, warm.originals[i]);
    drop(tell("give_back", warm.replaced[i], warm.originals[i], NULL));
    PyObject *count = PyObject_CallFunctionObjArgs(count_of, warm.replaced[i], NULL);
    /* Its own, and the argument. */
    if (!count || PyLong_AsLong(count) > 2) freeze_refuse("a module keeps %s for itself", name);
    drop(count);
    Py_DecRef(warm.replaced[i]);
    Py_DecRef(warm.originals[i]);
    Py_DecRef(warm.holders[i]);
  }
  warm.replaced_count = 0;
}

/* ---- what the files of Python ask ---- */

/* context(): a copy of the variables of the current context, without importing what Python has for it. */
static PyObject *context(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  return PyContext_CopyCurrent();
}

/* interpreter_dictionary(): in which extension modules find each other. */
static PyObject *interpreter_dictionary(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  return keep(PyInterpreterState_GetDict(PyInterpreterState_Get()));
}

/* subclasses_of(class): the dictionary by which it knows those that are derived from it; None: it is none that is known. */
static PyObject *subclasses_of(PyObject *self, PyObject *type) {
  (void)self;
  if (!(PyType_GetFlags((PyTypeObject *)type) & TYPE_IS_ON_HEAP)) return none();
  PyObject *known = *type_subclasses(type);
  if (!known) return PyDict_New();
  return type_of(known) == &PyDict_Type ? keep(known) : none();
}

/* show_pid(shows): whether getpid tells the number of this process, as long as it is a template. */
static PyObject *show_pid(PyObject *self, PyObject *shows) {
  (void)self;
  freeze.shows_pid = PyObject_IsTrue(shows) == 1;
  return none();
}

/* listing_of(path): the names in a directory and their kinds, as a text that is the same as long as they are; '': there is none. */
static PyObject *listing_of(PyObject *self, PyObject *path) {
  (void)self;
  Py_ssize_t length;
  const char *bytes = PyUnicode_AsUTF8AndSize(path, &length);
  uint64_t digest = 0;
  char text[32] = "";
  PyErr_Clear();
  if (bytes && listing_digest_of_kinds(bytes, &digest)) snprintf(text, sizeof text, "%llx", (unsigned long long)digest);
  return text_of(text);
}

/* Of a dictionary or a set that is small which keys it has, in any order; of anything else nothing. */
static uint64_t keys_in(PyObject *value, Py_ssize_t size) {
  uint64_t sum = 0;
  if (size > MOST_KEYS) return 0;
  PyObject *key;
  if (type_of(value) == &PyDict_Type) {
    Py_ssize_t at = 0;
    PyObject *of_key;
    while (PyDict_Next(value, &at, &key, &of_key)) sum += (uint64_t)(uintptr_t)key * UINT64_C(0x9e3779b97f4a7c15);
  } else if (type_of(value) == &PySet_Type) {
    PyObject *all = PyObject_GetIter(value);
    while (all && (key = PyIter_Next(all)) != NULL) {
      sum += (uint64_t)(uintptr_t)key * UINT64_C(0x9e3779b97f4a7c15);
      drop(key);
    }
    drop(all);
  }
  return sum;
}

/* The same as long as a dictionary holds the same objects, and those that can hold more are as large and have the same keys. */
static uint64_t fingerprint(PyObject *dictionary) {
  PyObject *key, *value;
  Py_ssize_t at = 0;
  uint64_t sum = (uint64_t)PyDict_Size(dictionary);
  while (PyDict_Next(dictionary, &at, &key, &value)) {
    PyTypeObject *type = type_of(value);
    Py_ssize_t size = type == &PyDict_Type   ? PyDict_Size(value)
                      : type == &PyList_Type ? PyList_Size(value)
                      : type == &PySet_Type  ? PySet_Size(value)
                                             : 0;
    sum = (sum ^ (uint64_t)(uintptr_t)value) * UINT64_C(0x9e3779b97f4a7c15);
    sum = ((sum << 29 | sum >> 35) ^ ((uint64_t)size + keys_in(value, size))) * UINT64_C(0x9e3779b97f4a7c15);
  }
  return sum;
}

/* fingerprints(list of dictionaries): eight bytes for each. */
static PyObject *fingerprints(PyObject *self, PyObject *list) {
  (void)self;
  Py_ssize_t count = PyList_Size(list);
  PyObject *bytes = PyBytes_FromStringAndSize(NULL, count * (Py_ssize_t)sizeof(uint64_t));
  if (!bytes) return NULL;
  char *at = PyBytes_AsString(bytes);
  for (Py_ssize_t i = 0; i < count; i++) {
    uint64_t one = fingerprint(PyList_GetItem(list, i));
    memcpy(at + i * (Py_ssize_t)sizeof one, &one, sizeof one);
  }
  return bytes;
}

/* ---- all together ---- */

void warm_configure(void) {
  const char *path = getenv(VARIABLE), *watch = getenv(WATCH_VARIABLE);
  if (path && *path) warm.modules = strdup(path);
  warm.watching = warm.modules && watch && *watch;
  warm.elsewhere = warm.watching && strcmp(watch, WATCH_ELSEWHERE) == 0;
  warm.again = warm.watching && strcmp(watch, WATCH_AGAIN) == 0;
  const char *programs = getenv(PROGRAMS_VARIABLE);
  if (warm.modules && programs && *programs) warm.programs = strdup(programs);
  const char *seen = getenv(SEEN_VARIABLE);
  if (warm.elsewhere && seen && *seen) warm.seen = strdup(seen);
  unsetenv(VARIABLE);
  unsetenv(SEEN_VARIABLE);
  unsetenv(WATCH_VARIABLE);
  unsetenv(PROGRAMS_VARIABLE);
}

static PyMethodDef put_off_method = {"put_off", put_off, METH_VARARGS, NULL};
static PyMethodDef fingerprints_method = {"fingerprints", fingerprints, METH_O, NULL};
static PyMethodDef libraries_method = {"libraries", libraries_all, METH_NOARGS, NULL};
static PyMethodDef global_scope_method = {"global_scope", libraries_global, METH_NOARGS, NULL};
static PyMethodDef leave_global_method = {"leave_global", libraries_leave_global, METH_O, NULL};
static PyMethodDef rewrite_method = {"rewrite", rewrite_bytes, METH_VARARGS, NULL};
static PyMethodDef places_of_method = {"places_of", libraries_places, METH_VARARGS, NULL};
static PyMethodDef write_at_method = {"write_at", libraries_write, METH_VARARGS, NULL};
static PyMethodDef engine_of_method = {"engine_of", engine_of, METH_O, NULL};
static PyMethodDef take_engine_method = {"take_engine", engine_take, METH_O, NULL};
static PyMethodDef give_engine_method = {"give_engine", engine_give, METH_O, NULL};
static PyMethodDef c_variables_method = {"c_variables", variables_all, METH_NOARGS, NULL};
static PyMethodDef set_c_variable_method = {"set_c_variable", variables_set, METH_O, NULL};
static PyMethodDef loading_method = {"loading", authorities_loading, METH_VARARGS, NULL};
static PyMethodDef take_store_method = {"take_store", authorities_take, METH_O, NULL};
static PyMethodDef give_store_method = {"give_store", authorities_give, METH_VARARGS, NULL};
static PyMethodDef show_pid_method = {"show_pid", show_pid, METH_O, NULL};
static PyMethodDef callers_of_method = {"callers_of", called_by, METH_O, NULL};
static PyMethodDef codes_called_method = {"codes_called", called_all, METH_NOARGS, NULL};
static PyMethodDef refuses_method = {"refuses", libraries_refuses, METH_O, NULL};
static PyMethodDef needed_method = {"needed", libraries_needed, METH_O, NULL};
static PyMethodDef load_anew_method = {"load_anew", libraries_load_anew, METH_VARARGS, NULL};
static PyMethodDef process_state_method = {"process_state", probe_state, METH_NOARGS, NULL};
static PyMethodDef listing_of_method = {"listing_of", listing_of, METH_O, NULL};
static PyMethodDef subclasses_of_method = {"subclasses_of", subclasses_of, METH_O, NULL};
static PyMethodDef watch_calls_method = {"watch_calls", asking_watch, METH_VARARGS, NULL};
static PyMethodDef context_method = {"context", context, METH_NOARGS, NULL};
static PyMethodDef interpreter_dictionary_method = {"interpreter_dictionary", interpreter_dictionary, METH_NOARGS,
                                                    NULL};
static PyMethodDef keys_of_method = {"keys_of", libraries_keys, METH_VARARGS, NULL};
static PyMethodDef probe_method = {"probe", probe, METH_NOARGS, NULL};

static void run_sources(void) {
  static const struct {
    const char *name, *text;
  } sources[] = {
#define SOURCE(name) {"<pycds " #name ">", name##_source},
#include "sources.def"
#undef SOURCE
  };
  warm.globals = PyDict_New();
  PyDict_SetItemString(warm.globals, "__builtins__", PyEval_GetBuiltins());
  PyDict_SetItemString(warm.globals, "ELSEWHERE", warm.elsewhere ? &_Py_TrueStruct : &_Py_FalseStruct);
  PyObject *most = PyLong_FromLong(MOST_KEYS);
  PyDict_SetItemString(warm.globals, "MOST_KEYS", most);
  drop(most);
  PyObject *later = PyLong_FromLong(warm.elsewhere ? WATCH_LATER_SECONDS : 0);
  PyDict_SetItemString(warm.globals, "LATER_SECONDS", later);
  drop(later);
  static PyMethodDef *const methods[] = {&put_off_method,       &fingerprints_method,
                                         &libraries_method,     &global_scope_method,
                                         &leave_global_method,  &refuses_method,
                                         &needed_method,        &load_anew_method,
                                         &callers_of_method,    &process_state_method,
                                         &context_method,       &keys_of_method,
                                         &subclasses_of_method, &listing_of_method,
                                         &show_pid_method,      &watch_calls_method,
                                         &rewrite_method,       &codes_called_method,
                                         &loading_method,       &take_store_method,
                                         &give_store_method,    &places_of_method,
                                         &write_at_method,      &engine_of_method,
                                         &take_engine_method,   &interpreter_dictionary_method,
                                         &give_engine_method,   &c_variables_method,
                                         &set_c_variable_method};
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    PyObject *function = PyCFunction_NewEx(methods[i], &_Py_NoneStruct, NULL);
    PyDict_SetItemString(warm.globals, methods[i]->ml_name, function);
    drop(function);
  }
  for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
    PyObject *code = Py_CompileString(sources[i].text, sources[i].name, Py_file_input);
    must(code, sources[i].name);
    PyObject *done = PyEval_EvalCode(code, warm.globals, warm.globals);
    must(done, sources[i].name);
    Py_DecRef(done);
    Py_DecRef(code);
  }
}

/* Has whoever chooses the modules know which were imported otherwise than before; the error stays. */
static void tell_differing(void) {
  PyObject *error = failing_error(), *path = text_of(freeze.path);
  PyObject *write = PyDict_GetItemString(warm.globals, "write_differing");
  drop(PyObject_CallFunctionObjArgs(write, path, error, NULL));
  drop(path);
  PyErr_Restore(keep((PyObject *)type_of(error)), error, NULL);
}

static PyObject *call(const char *name, PyObject *a, PyObject *b) {
  PyObject *result = PyObject_CallFunctionObjArgs(PyDict_GetItemString(warm.globals, name), a, b, NULL);
  must(result, name);
  return result;
}

static PyObject *module_of(const char *name) {
  PyObject *module = PyImport_ImportModule(name);
  must(module, name);
  return module;
}

static void stand_between(PyObject *dict, const char *name, PyMethodDef *method, PyObject **original) {
  *original = PyDict_GetItemString(dict, name);
  must(*original, name);
  Py_IncRef(*original);
  PyObject *function = PyCFunction_NewEx(method, *original, NULL);
  must(function, name);
  PyDict_SetItemString(dict, name, function);
  Py_DecRef(function);
}

/* What it writes is found by the size of a file in memory. */
static void watch_all(void) {
  static PyMethodDef import_method = {"__import__", (PyCFunction)(void (*)(void))import, METH_VARARGS | METH_KEYWORDS,
                                      NULL};
  static PyMethodDef extension_method = {"dynamic", run_extension, METH_VARARGS, NULL};
  static PyMethodDef warn_method = {"warn", (PyCFunction)(void (*)(void))warn, METH_VARARGS | METH_KEYWORDS, NULL};
  static PyObject *ignored[4];
  stand_between(PyEval_GetBuiltins(), "__import__", &import_method, &warm.import);
  PyObject *imp = module_of("_imp");
  stand_between(PyModule_GetDict(imp), "create_dynamic", &extension_method, &ignored[0]);
  stand_between(PyModule_GetDict(imp), "exec_dynamic", &extension_method, &ignored[1]);
  stand_between(PyModule_GetDict(module_of("_warnings")), "warn", &warn_method, &ignored[2]);
  PyObject *warnings = PyDict_GetItemString(PyImport_GetModuleDict(), "warnings");
  if (warnings) stand_between(PyModule_GetDict(warnings), "warn", &warn_method, &ignored[3]);
  drop(call("watch_environment", warm.recorder, NULL));
  drop(call("watch_modules", warm.recorder, NULL));
  must(frames_watch(call("watch_program", warm.recorder, NULL)) ? warm.recorder : NULL, "frames");
  PyObject *lacking = PyObject_GetAttrString(warm.recorder, "lacking");
  PyObject *found = PyObject_GetAttrString(warm.recorder, "found");
  must(lacking && found && lacks_watch(lacking, found) ? lacking : NULL, "lacking");
  PyObject *stream_read = PyObject_GetAttrString(warm.recorder, "stream_read");
  must(stream_read && reads_watch(stream_read) ? stream_read : NULL, "stream_read");
  if (PySys_AddAuditHook(audit, NULL) != 0) freeze_refuse("it cannot be watched");
  PyObject *subclasses = PyObject_GetAttrString((PyObject *)&PyModule_Type, "__subclasses__");
  must(subclasses, "__subclasses__");
  warm.subclasses = PyCFunction_GetFunction(subclasses);
  drop(subclasses);
  PyEval_SetProfile(profile, NULL);
}

static void import_all(PyObject *names) {
  PyObject *bring = PyDict_GetItemString(warm.globals, "bring");
  for (Py_ssize_t i = 0; i < PyList_Size(names); i++) {
    Py_ssize_t length;
    const char *name = PyUnicode_AsUTF8AndSize(PyList_GetItem(names, i), &length);
    must(name, "the name of a module");
    PyObject *module = warm.watching ? PyObject_CallFunctionObjArgs(bring, PyList_GetItem(names, i), NULL)
                                     : PyImport_ImportModule(name);
    /* Of one that is missed where it was there before table.py says so. */
    PyErr_Clear();
    drop(module);
  }
}

/* The names, and the record of a template that was watched: NULL in one that is. */
static PyObject *read_names(PyObject *path, PyObject **record) {
  *record = NULL;
  PyObject *names;
  if (warm.watching) {
    names = call("read_names", path, NULL);
  } else {
    *record = call("read_record", path, NULL);
    names = PyDict_GetItemString(*record, "asked");
    must(names, "the record");
    Py_IncRef(names);
  }
  return names;
}

__attribute__((noreturn)) static void finish_watching(void) {
  PyObject *record = call("record_of", warm.recorder, NULL);
  failing_give_streams_back();
  PyObject *path = text_of(freeze.path);
  drop(call("write_record", path, record));
  _exit(0);
}

static enum snapshot_program_kind program_kind(PyObject *name) {
  static const char *const names[] = {"script", "module", "command"};
  Py_ssize_t length;
  const char *bytes = PyUnicode_AsUTF8AndSize(name, &length);
  must(bytes, "the kind of a program");
  for (int i = 0; i < 3; i++) {
    if (strcmp(bytes, names[i]) == 0) return (enum snapshot_program_kind)(SNAPSHOT_SCRIPT + i);
  }
  freeze_refuse("%s: no kind of a program", bytes);
}

/* What the first of the programs imports, for the start that is looked at. */
static void take_imports(PyObject *statement) {
  Py_ssize_t length;
  const char *text = PyUnicode_AsUTF8AndSize(statement, &length);
  must(text, "the imports of a program");
  freeze.imports = strdup(text);
}

/* Before the dump, which has their texts; what they gain is only compared later. */
static void take_programs(PyObject *record) {
  if (!warm.programs) return;
  PyObject *path = text_of(warm.programs);
  PyObject *list = PyObject_CallFunctionObjArgs(PyDict_GetItemString(warm.globals, "programs_of"), path, warm.recorder,
                                                record, NULL);
  must(list, "the list of programs");
  if (PyList_Size(list) == 0 || PyList_Size(list) > (Py_ssize_t)SNAPSHOT_MAX_PROGRAMS)
    freeze_refuse("the list of programs is empty or too long");
  for (Py_ssize_t i = 0; i < PyList_Size(list); i++) {
    PyObject *one = PyList_GetItem(list, i);
    Py_ssize_t length;
    const char *text = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(one, 1), &length);
    must(text, "the name of a program");
    struct snapshot_program *program = &freeze.scratch->programs[freeze.programs++];
    long long gain = PyLong_AsLongLong(PyTuple_GetItem(one, 2));
    program->kind = program_kind(PyTuple_GetItem(one, 0));
    program->gain = gain > UINT32_MAX ? UINT32_MAX : (uint32_t)gain;
    program->text = scratch_string(freeze.scratch, text, (uint64_t)length);
    if (!program->text) freeze_refuse("the list of programs is too long");
  }
  take_imports(PyTuple_GetItem(PyList_GetItem(list, 0), 3));
  drop(path);
  drop(list);
}

/* Where a table has the place of a module. */
#define TABLE_ORIGIN 3

static void take_folders(PyObject *table) {
  for (Py_ssize_t i = 0; i < PyList_Size(table); i++) {
    PyObject *origin = PyTuple_GetItem(PyList_GetItem(table, i), TABLE_ORIGIN);
    Py_ssize_t length;
    const char *path =
        PyType_IsSubtype(type_of(origin), &PyUnicode_Type) ? PyUnicode_AsUTF8AndSize(origin, &length) : NULL;
    if (path) freeze_folder(path);
  }
  PyErr_Clear();
}

static void hand_over(PyObject *table, PyObject *prints, PyObject *key) {
  PyObject *may = PyDict_GetItemString(warm.globals, "may_put_back"),
           *put = PyDict_GetItemString(warm.globals, "put_back");
  if (!freeze.hook.calls.adopt || !freeze.hook.calls.adopt(table, prints, key, may, put))
    freeze_refuse("the runtime takes no modules");
  take_folders(table);
}

static PyObject *make_recorder(void) {
  PyObject *function = PyCFunction_NewEx(&probe_method, &_Py_NoneStruct, NULL);
  PyObject *recorder = call("Recorder", warm.watching ? &_Py_TrueStruct : &_Py_FalseStruct, function);
  Py_DecRef(function);
  return recorder;
}

/* Thread pools that end before a fork begin again when they are used. */
static void end_pools(void) {
  pid_t child = fork();
  if (child < 0) freeze_refuse("it cannot fork");
  if (child == 0) _exit(0);
  while (waitpid(child, NULL, 0) < 0) continue;
}

/* Takes a random number of blocks of each size, so that what is made afterwards lies elsewhere, also within a page: an
 * order that goes by addresses comes out as it may in any start. */
static void move_objects(void) {
  for (size_t bytes = 16; bytes <= LARGEST_MOVED; bytes += 16) {
    uint8_t count = 0;
    if (syscall(SYS_getrandom, &count, sizeof count, 0) != sizeof count) freeze_refuse("no random numbers");
    for (; count % 32 != 0; count--) {
      if (!PyObject_Malloc(bytes)) freeze_refuse("no memory");
    }
  }
}

/* What the first of the templates that are watched has seen. */
static void expect_early(void) {
  PyObject *path = text_of(warm.seen), *record = call("read_record", path, NULL);
  drop(call("expect_early", warm.recorder, record));
  drop(record);
  drop(path);
}

void warm_import(void) {
  if (!warm.modules) return;
  /* The loader leaves out what it cannot preload, and says so where nobody reads it: on a file system that is mounted
   * noexec, such as /dev/shm in a container. Nothing would be seen of what the C library is asked. */
  if (warm.watching && !(pycds_watch && pycds_watch_state))
    freeze_refuse("its imports cannot be watched: pycds-watch.so was not preloaded");
  if (warm.again) move_objects();
  static PyMethodDef load_method = {"_find_and_load", find_and_load, METH_VARARGS, NULL};
  if (!warm.watching) holes_begin();
  PyObject *path = text_of(warm.modules), *record;
  run_sources();
  PyObject *names = read_names(path, &record);
  if (warm.watching) failing_watch_streams();
  PyObject *bootstrap = PyModule_GetDict(module_of("_frozen_importlib"));
  PyObject *posix = module_of("posix"), *os = module_of("os");
  warm.recorder = make_recorder();
  if (record) drop(call("expect", warm.recorder, record));
  if (warm.seen) expect_early();
  replace(posix, "posix", "register_at_fork");
  replace(os, "posix", "register_at_fork");
  stand_between(bootstrap, "_find_and_load", &load_method, &warm.find_and_load);
  if (warm.watching) watch_all();
  import_all(names);
  if (warm.watching) {
    PyEval_SetProfile(NULL, NULL);
    finish_watching();
  }
  PyDict_SetItemString(bootstrap, "_find_and_load", warm.find_and_load);
  stop_putting_off();
  take_programs(record);
  PyObject *build = PyDict_GetItemString(warm.globals, "build");
  PyObject *table = PyObject_CallFunctionObjArgs(build, warm.recorder, record, NULL);
  if (!table) tell_differing();
  must(table, "build");
  PyObject *key = call("key_of", record, NULL);
  PyObject *prints_of = PyDict_GetItemString(warm.globals, "prints_of");
  PyObject *prints = PyObject_CallFunctionObjArgs(prints_of, warm.recorder, table, record, NULL);
  must(prints, "prints_of");
  drop(record);
  hand_over(table, prints, key);
  call("forget", NULL, NULL);
  PyObject *all[] = {path, names, table, prints, key, warm.recorder, posix, os};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) drop(all[i]);
  warm.recorder = NULL;
  PyGC_Collect();
  /* Libraries choose their code by the processor, and obey no mask that is known for all of them. */
  freeze.policy = CPU_NATIVE;
  end_pools();
}

/* The collector looks at what a program's own module has as in any process: that is destroyed at the end, cycles too, before
 * the modules are. */
static void freeze_all_but_main(PyObject *freeze_all, PyObject *modules) {
  PyObject *main = PyDict_GetItemString(modules, "__main__");
  PyObject *own[] = {main, main ? PyModule_GetDict(main) : NULL};
  bool tracked[2] = {false, false};
  for (int i = 0; i < 2; i++) {
    tracked[i] = own[i] && PyObject_GC_IsTracked(own[i]);
    if (tracked[i]) PyObject_GC_UnTrack(own[i]);
  }
  drop(PyObject_CallFunctionObjArgs(freeze_all, NULL));
  for (int i = 0; i < 2; i++) {
    if (tracked[i]) PyObject_GC_Track(own[i]);
  }
}

void warm_finish(void) {
  if (!warm.modules) return;
  PyObject *modules = PyImport_GetModuleDict();
  bool known = PyDict_GetItemString(modules, "gc") != NULL;
  PyObject *collector = module_of("gc"), *freeze_all = PyObject_GetAttrString(collector, "freeze");
  must(freeze_all, "gc.freeze");
  if (!known) PyDict_DelItemString(modules, "gc");
  PyGC_Collect();
  freeze_all_but_main(freeze_all, modules);
  drop(freeze_all);
  drop(collector);
  holes_fill();
}
