// SPDX-License-Identifier: Apache-2.0
// A source string is compiled here first, with warnings as errors: what compiles silently
// is recorded and is what the program gets or runs; what does not is left to the builtin
// itself, to fail or to warn in its own way. The program sees no difference but audit
// events that a failing or warning source raises twice.
#include "sources.h"

#include "../cpython/object.h"
#include "../cpython/source_call.h"
#include "../format/number.h"

#define SOURCE_IS_UTF8 0x100 /* flags that compile() sets for a str, in all supported versions */
#define IGNORE_COOKIE 0x800

static struct {
  PyObject *wants, *record, *record_samples; /* tracer.py's */
  PyObject *strict;                          /* a warning filter: every warning is an error */
  PyObject *watchers[2];                     /* sys.gettrace, sys.getprofile */
  uint8_t optimize;
  int minor;
  bool busy; /* while tracer.py works, which is Python code, too */
} sources;

/* Whether the program follows what Python code runs: it would see tracer.py's. */
static bool is_watched(void) {
  bool watched = false;
  for (int i = 0; i < 2; i++) {
    PyObject *watcher = PyObject_CallFunctionObjArgs(sources.watchers[i], NULL);
    watched = watched || watcher != &_Py_NoneStruct;
    drop(watcher);
  }
  PyErr_Clear();
  return watched;
}

/* The list of warning filters in force, borrowed; NULL when warnings are not filtered by it. */
static PyObject *warning_filters(void) {
  PyObject *flags = PySys_GetObject("flags");
  PyObject *by_context = flags ? PyObject_GetAttrString(flags, "context_aware_warnings") : NULL; /* since 3.14 */
  bool is_by_context = by_context && PyObject_IsTrue(by_context) != 0;
  drop(by_context);
  PyObject *modules = PyImport_GetModuleDict();
  PyObject *module = PyDict_GetItemString(modules, "warnings");
  if (!module) module = PyDict_GetItemString(modules, "_warnings");
  PyObject *filters = module && !is_by_context ? PyObject_GetAttrString(module, "filters") : NULL;
  bool is_list = filters && PyList_Size(filters) >= 0;
  drop(filters); /* the module keeps it */
  PyErr_Clear();
  return is_list ? filters : NULL;
}

/* No Python code runs while the filter is in place: it cannot be seen by anybody else. */
static PyObject *compile_strictly(const struct source_question *question) {
  PyObject *filters = warning_filters(), *code = NULL;
  if (!filters || PyList_Insert(filters, 0, sources.strict) != 0) return NULL;
  struct {
    int flags, feature_version;
  } flags = {(int)question->head.flags | SOURCE_IS_UTF8 | IGNORE_COOKIE, sources.minor};
  code = Py_CompileStringObject(question->text, question->filename, source_call_start(question->head.type), &flags,
                                question->head.optimize);
  PyErr_Clear();
  if (PyList_GetItem(filters, 0) == sources.strict) PyList_SetSlice(filters, 0, 1, NULL);
  PyErr_Clear();
  return code;
}

/* Calls one of tracer.py's functions with the question and, unless NULL, one thing more. */
static bool tell(PyObject *function, const struct source_question *question, PyObject *more) {
  PyObject *mode = PyLong_FromLong(question->head.type), *flags = PyLong_FromLong((long)question->head.flags);
  PyObject *optimize = PyLong_FromLong(question->head.optimize);
  PyObject *text = PyUnicode_FromStringAndSize(question->text, (Py_ssize_t)question->text_bytes), *result = NULL;
  sources.busy = true;
  if (mode && flags && optimize && text) {
    result = PyObject_CallFunctionObjArgs(function, mode, flags, optimize, question->filename, text, more, NULL);
  }
  sources.busy = false;
  bool is_true = result && PyObject_IsTrue(result) == 1;
  PyObject *all[] = {mode, flags, optimize, text, result};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) drop(all[i]);
  PyErr_Clear();
  return is_true;
}

static void tell_of_number(const struct source_question *question) {
  struct pycds_number number;
  if (!pycds_number_find(question->text, question->text_bytes, &number)) return;
  struct source_question head = *question;
  head.text_bytes = number.at;
  size_t end = number.at + number.width;
  PyObject *tail = PyUnicode_FromStringAndSize(question->text + end, (Py_ssize_t)(question->text_bytes - end));
  if (tail) tell(sources.record_samples, &head, tail);
  drop(tail);
  PyErr_Clear();
}

static PyObject *observe(enum source_builtin builtin, const struct source_arguments *arguments) {
  struct source_question question;
  if (sources.busy || !source_call_question(builtin, arguments, sources.optimize, &question) || is_watched() ||
      !tell(sources.wants, &question, NULL)) {
    return source_call_stock(builtin, arguments);
  }
  PyObject *code = compile_strictly(&question);
  if (!code) return source_call_stock(builtin, arguments);
  tell(sources.record, &question, code);
  tell_of_number(&question);
  if (builtin == SOURCE_COMPILE) return code;
  PyObject *result = source_call_instead(builtin, arguments, code);
  Py_DecRef(code);
  return result;
}

static PyObject *strict_filter(void) {
  PyObject *action = PyUnicode_InternFromString("error"), *line = PyLong_FromLong(0), *filter = PyTuple_New(5);
  PyObject *items[] = {action, &_Py_NoneStruct, PyExc_Warning, &_Py_NoneStruct, line};
  for (Py_ssize_t i = 0; i < 5 && action && line && filter; i++) {
    Py_IncRef(items[i]);
    PyTuple_SetItem(filter, i, items[i]);
  }
  bool whole = action && line;
  drop(action);
  drop(line);
  return whole ? filter : NULL;
}

void sources_start(PyObject *namespace) {
  PyObject *flags = PySys_GetObject("flags"), *hexversion = PySys_GetObject("hexversion");
  PyObject *optimize = flags ? PyObject_GetAttrString(flags, "optimize") : NULL;
  sources.wants = PyDict_GetItemString(namespace, "wants_source");
  sources.record = PyDict_GetItemString(namespace, "record_source_string");
  sources.record_samples = PyDict_GetItemString(namespace, "record_samples");
  sources.watchers[0] = PySys_GetObject("gettrace");
  sources.watchers[1] = PySys_GetObject("getprofile");
  bool found = optimize && hexversion && sources.wants && sources.record && sources.record_samples &&
               sources.watchers[0] && sources.watchers[1];
  if (found && Py_CompileStringObject) {
    Py_IncRef(sources.watchers[0]);
    Py_IncRef(sources.watchers[1]);
    Py_IncRef(sources.wants);
    Py_IncRef(sources.record);
    Py_IncRef(sources.record_samples);
    sources.optimize = (uint8_t)PyLong_AsLong(optimize);
    sources.minor = (int)(PyLong_AsUnsignedLongMask(hexversion) >> 16 & 0xff);
    sources.strict = strict_filter();
    if (sources.strict) source_call_divert(observe);
  }
  drop(optimize);
  PyErr_Clear();
}
