// SPDX-License-Identifier: Apache-2.0
// A method descriptor, so that it binds its loader as the function did that it stands for. That function is called, with
// the same arguments, whenever it could do anything else than read the file: for subclasses, which may have methods of
// their own, for loaders and importlibs that a program has changed, for errors.
#define _GNU_SOURCE
#include "get_code.h"

#include <stdlib.h>

#include "../caches/ask.h"
#include "../decide/search.h"
#include "../host/collector.h"
#include "../host/handed.h"
#include "../host/replaced.h"
#include "../host/report.h"
#include "../learn/learn.h"
#include "../learn/log.h"
#include "../learn/module.h"
#include "../make/objects.h"
#include "runtime.h"

#define SIGNATURE "get_code($self, fullname)\n--\n\n"

static PyObject *stock_get_code;

/* ---- the call ---- */

/* The name of the module, borrowed; NULL when the original has to make sense of the arguments. */
static PyObject *name_of(PyObject *const *args, Py_ssize_t count, PyObject *keywords) {
  bool named = keywords && PyTuple_Size(keywords) > 0;
  if (named && (count != 0 || PyTuple_Size(keywords) != 1 ||
                PyUnicode_Compare(PyTuple_GetItem(keywords, 0), names.fullname) != 0)) {
    return NULL;
  }
  if (!named && count != 1) return NULL;
  return type_of(args[0]) == &PyUnicode_Type ? args[0] : NULL;
}

static bool text_of(PyObject *object, struct text *text) {
  Py_ssize_t length;
  if (!object || type_of(object) != &PyUnicode_Type) return false;
  text->bytes = PyUnicode_AsUTF8AndSize(object, &length);
  if (text->bytes) text->length = (size_t)length;
  return text->bytes != NULL;
}

static enum pycds_miss find(PyObject *name, PyObject *path, PyObject **code) {
  struct text text;
  struct found found;
  if (!text_of(path, &text)) return PYCDS_MISS_NOT_ARCHIVED;
  enum pycds_miss miss = runtime_find(ARCHIVE_PATH, text, &found);
  if (!miss) miss = runtime_check_source(&found);
  if (!miss && !objects_are_left(found.archive, found.number)) miss = PYCDS_MISS_HANDED_OUT;
  if (miss) return miss;
  *code = objects_code(found.archive, &found);
  if (!*code) return PYCDS_MISS_DAMAGED;
  objects_hand_out(found.archive, found.number);
  runtime_served(found.archive);
  if (text_of(name, &text)) cache_regex_found(text.bytes, text.length, *code);
  return PYCDS_SERVED;
}

/* Sets *code (borrowed) where the archive may answer. A replaced get_code or exec_module does not matter: it has
 * called this one. */
static enum pycds_miss serve(PyObject *self, PyObject *name, PyObject **code) {
  PyObject *attributes = PyObject_GetAttr(self, names.dunder_dict);
  enum pycds_miss miss = PYCDS_MISS_LOADER_CHANGED;
  if (attributes && type_of(attributes) == &PyDict_Type && !replaced_on_loader(attributes) && !replaced_any(READING)) {
    PyObject *own = item_of(attributes, names.name);
    bool same = own && type_of(own) == &PyUnicode_Type && (own == name || PyUnicode_Compare(own, name) == 0);
    /* Of another module than its own a loader has no code: the original says so. */
    miss = same ? find(name, item_of(attributes, names.path), code) : PYCDS_MISS_NOT_ARCHIVED;
  }
  drop(attributes);
  PyErr_Clear();
  return miss;
}

static PyObject *call_original(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keywords) {
  if (count == 1 && !keywords) return PyObject_CallFunctionObjArgs(stock_get_code, self, args[0], NULL);
  PyObject *positional = PyTuple_New(count + 1), *named = keywords ? PyDict_New() : NULL, *result = NULL;
  bool made = positional && (named || !keywords) && PyTuple_SetItem(positional, 0, keep(self)) == 0;
  for (Py_ssize_t i = 0; made && i < count; i++) made = PyTuple_SetItem(positional, i + 1, keep(args[i])) == 0;
  for (Py_ssize_t i = 0; made && keywords && i < PyTuple_Size(keywords); i++) {
    made = PyDict_SetItem(named, PyTuple_GetItem(keywords, i), args[count + i]) == 0;
  }
  if (made) result = PyObject_Call(stock_get_code, positional, named);
  drop(positional);
  drop(named);
  return result;
}

/* Whether a loader of another class reads what the archive holds: a module of the training run that is not served. */
static bool is_archived(PyObject *self) {
  PyObject *path = attribute_of(self, names.path);
  struct text text;
  struct found found;
  bool archived = text_of(path, &text) && runtime_find(ARCHIVE_PATH, text, &found) == PYCDS_SERVED;
  drop(path);
  PyErr_Clear();
  return archived;
}

/* Apart: threads may have small stacks, and what is noted of a source takes kilobytes. */
__attribute__((noinline)) static PyObject *call_and_learn(PyObject *self, PyObject *name, PyObject *const *args,
                                                          Py_ssize_t count, PyObject *keywords) {
  struct before source;
  learn_before(self, name, &source);
  PyObject *code = call_original(self, args, count, keywords);
  if (code && source.known) {
    learn_module(name, code, &source);
    collector_age();
  }
  return code;
}

static PyObject *get_code(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keywords) {
  PyObject *code = NULL, *name = name_of(args, count, keywords);
  bool genuine = type_of(self) == (PyTypeObject *)importlib.loader_type;
  double start = report_wanted() ? report_clock() : 0;
  enum pycds_miss miss = name && genuine ? serve(self, name, &code) : PYCDS_MISS_LOADER_CHANGED;
  if (report_wanted()) report.milliseconds += report_clock() - start;
  if (code) {
    collector_age();
    handed_note(code, name, PYCDS_SERVED);
    return keep(code);
  }
  /* One that is loaded again was in an archive. */
  bool lacking = name && genuine && miss != PYCDS_MISS_HANDED_OUT;
  code = lacking && log_is_open() ? call_and_learn(self, name, args, count, keywords)
                                  : call_original(self, args, count, keywords);
  if (code && lacking) learn_missed();
  if (!code || !name || !report_wanted() || (!genuine && !is_archived(self))) return code;
  handed_note(code, name, miss == PYCDS_MISS_NOT_ARCHIVED ? handed_reason(name, miss) : miss);
  return code;
}

/* ---- taking its place ---- */

/* With the signature, which inspect reads, and the text of the original; lives for good. */
static const char *describe(PyObject *original) {
  PyObject *doc = PyObject_GetAttrString(original, "__doc__");
  Py_ssize_t length = 0;
  const char *text = doc && type_of(doc) == &PyUnicode_Type ? PyUnicode_AsUTF8AndSize(doc, &length) : NULL;
  char *whole = malloc(sizeof SIGNATURE + (size_t)length);
  if (whole) {
    memcpy(whole, SIGNATURE, sizeof SIGNATURE);
    if (text) memcpy(whole + sizeof SIGNATURE - 1, text, (size_t)length + 1);
  }
  drop(doc);
  PyErr_Clear();
  return whole;
}

bool get_code_install(void) {
  static PyMethodDef method = {"get_code", (PyCFunction)(void (*)(void))get_code, METH_FASTCALL | METH_KEYWORDS, NULL};
  PyObject *external = PyImport_ImportModule("_frozen_importlib_external");
  PyObject *class = external ? PyObject_GetAttrString(external, "SourceLoader") : NULL;
  PyObject *own = class ? PyObject_GetAttr(class, names.dunder_dict) : NULL, *descriptor = NULL;
  stock_get_code = own ? PyObject_GetItem(own, names.get_code) : NULL;
  if (stock_get_code && replaced_is_genuine(stock_get_code)) {
    method.ml_doc = describe(stock_get_code);
    descriptor = method.ml_doc ? PyDescr_NewMethod((PyTypeObject *)class, &method) : NULL;
  }
  bool done = descriptor && PyObject_SetAttr(class, names.get_code, descriptor) == 0;
  if (done) replaced_by_us(stock_get_code, descriptor);
  drop(descriptor);
  drop(own);
  drop(class);
  drop(external);
  PyErr_Clear();
  return done;
}
