// SPDX-License-Identifier: Apache-2.0
#include "strict_compile.h"

#include "object.h"

#define SOURCE_IS_UTF8 0x100 /* flags that compile() sets for a str, in all supported versions */
#define IGNORE_COOKIE 0x800

static struct {
  PyObject *filter;      /* a warning filter: every warning is an error */
  PyObject *watchers[2]; /* sys.gettrace, sys.getprofile */
  int minor;
} strict;

bool strict_is_watched(void) {
  bool watched = false;
  for (int i = 0; i < 2; i++) {
    PyObject *watcher = PyObject_CallFunctionObjArgs(strict.watchers[i], NULL);
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
PyObject *strict_compile(const struct source_question *question) {
  PyObject *filters = warning_filters(), *code = NULL;
  if (!filters || PyList_Insert(filters, 0, strict.filter) != 0) return NULL;
  struct {
    int flags, feature_version;
  } flags = {(int)question->head.flags | SOURCE_IS_UTF8 | IGNORE_COOKIE, strict.minor};
  code = Py_CompileStringObject(question->text, question->filename, source_call_start(question->head.type), &flags,
                                question->head.optimize);
  PyErr_Clear();
  if (PyList_GetItem(filters, 0) == strict.filter) PyList_SetSlice(filters, 0, 1, NULL);
  PyErr_Clear();
  return code;
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

bool strict_start(void) {
  PyObject *hexversion = PySys_GetObject("hexversion");
  strict.watchers[0] = PySys_GetObject("gettrace");
  strict.watchers[1] = PySys_GetObject("getprofile");
  if (!hexversion || !strict.watchers[0] || !strict.watchers[1] || !Py_CompileStringObject) return false;
  Py_IncRef(strict.watchers[0]);
  Py_IncRef(strict.watchers[1]);
  strict.minor = (int)(PyLong_AsUnsignedLongMask(hexversion) >> 16 & 0xff);
  strict.filter = strict_filter();
  PyErr_Clear();
  return strict.filter != NULL;
}
