// SPDX-License-Identifier: Apache-2.0
// `re` compiles by `re._compiler.compile` (before 3.11 `sre_compile.compile`), which calls `_sre.compile` with the
// program that it has made. A function in the place of each passes everything on: the outer one knows what was asked
// for, the inner one the program. A pattern that warns is not recorded: it has to warn each time.
#include "regexes.h"

#include <stdbool.h>

#include "../../cpython/object.h"
#include "../../cpython/pending.h"
#include "../../format/buffer.h"
#include "../../static/sys/text.h"
#include "../caches/ask.h"
#include "../host/importlib.h"
#include "log.h"

#define FLAG_LOCALE 4
#define FLAG_DEBUG 128

static struct {
  PyObject *stock, *build; /* the functions whose places were taken */
  PyObject *warn;          /* that of the module warnings, the last time; whoever has kept ours calls it later, too */
  unsigned depth;
  bool warned;
  PyObject *pattern;   /* borrowed: of the call that is under way */
  PyObject *arguments; /* of the inner function, in that call */
} regexes;

/* ---- warnings ---- */

static PyObject *warn(PyObject *self, PyObject *args, PyObject *keywords) {
  (void)self;
  regexes.warned = true;
  PyObject *stock = regexes.warn;
  if (stock) return PyObject_Call(stock, args, keywords);
  PyErr_SetString(PyExc_LookupError, "warnings.warn");
  return NULL;
}

/* The names of the module warnings, borrowed; NULL when it has not been imported. */
static PyObject *warning_names(void) {
  PyObject *module = PyDict_GetItemString(PyImport_GetModuleDict(), "warnings");
  return module && type_of(module) == &PyModule_Type ? PyModule_GetDict(module) : NULL;
}

static PyObject *watch_warnings(PyObject *names_of_warnings) {
  static PyMethodDef method = {"warn", (PyCFunction)(void (*)(void))warn, METH_VARARGS | METH_KEYWORDS, NULL};
  static PyObject *own;
  if (!own) own = PyCFunction_NewEx(&method, &_Py_NoneStruct, NULL);
  PyObject *stock = own ? PyDict_GetItemString(names_of_warnings, "warn") : NULL;
  if (!stock || stock == own) return NULL;
  drop(regexes.warn);
  regexes.warn = keep(stock);
  if (PyDict_SetItemString(names_of_warnings, "warn", own) == 0) return own;
  return NULL;
}

static void leave_warnings(PyObject *names_of_warnings, PyObject *own) {
  if (own && PyDict_GetItemString(names_of_warnings, "warn") == own) {
    PyDict_SetItemString(names_of_warnings, "warn", regexes.warn);
  }
}

/* ---- the record ---- */

static bool number_of(PyObject *object, long long *out) {
  if (!PyType_IsSubtype(type_of(object), &PyLong_Type)) return false;
  *out = PyLong_AsLongLong(object);
  return *out >= 0 && *out <= UINT32_MAX && !PyErr_Occurred();
}

static void put_number(struct pycds_buffer *out, uint64_t value) {
  char digits[TEXT_DECIMAL_BYTES];
  const char *text = text_of_decimal(digits, value);
  pycds_buffer_put(out, text, text_length(text));
}

static bool put_words(struct pycds_buffer *out, PyObject *list) {
  if (type_of(list) != &PyList_Type) return false;
  for (Py_ssize_t i = 0; i < PyList_Size(list); i++) {
    long long word;
    if (!number_of(PyList_GetItem(list, i), &word)) return false;
    uint32_t narrow = (uint32_t)word;
    pycds_buffer_put(out, &narrow, sizeof narrow);
  }
  return true;
}

static bool put_names(struct pycds_buffer *out, PyObject *groupindex) {
  PyObject *name, *group;
  if (type_of(groupindex) != &PyDict_Type) return false;
  for (Py_ssize_t at = 0; PyDict_Next(groupindex, &at, &name, &group);) {
    Py_ssize_t length;
    long long number;
    const char *text = type_of(name) == &PyUnicode_Type ? PyUnicode_AsUTF8AndSize(name, &length) : NULL;
    if (!text || !number_of(group, &number)) return false;
    if (out->length > 0) pycds_buffer_put(out, "", 1);
    put_number(out, (uint64_t)number);
    pycds_buffer_put(out, "", 1);
    pycds_buffer_put(out, text, (size_t)length);
  }
  return true;
}

/* `arguments`: pattern, flags, code, groups, groupindex, indexgroup. */
static void record(PyObject *asked, PyObject *arguments) {
  PyObject *pattern = PyTuple_GetItem(arguments, 0);
  struct pycds_buffer words = {0}, group_names = {0}, numbers = {0};
  long long wanted = 0, flags, groups;
  const char *text;
  char *data;
  Py_ssize_t length;
  bool is_bytes = type_of(pattern) == &PyBytes_Type;
  if (is_bytes) {
    if (PyBytes_AsStringAndSize(pattern, &data, &length) != 0) goto out;
    text = data;
  } else {
    text = type_of(pattern) == &PyUnicode_Type ? PyUnicode_AsUTF8AndSize(pattern, &length) : NULL;
    if (!text) goto out;
  }
  if ((asked && !number_of(asked, &wanted)) || !number_of(PyTuple_GetItem(arguments, 1), &flags) ||
      !number_of(PyTuple_GetItem(arguments, 3), &groups) || ((wanted | flags) & (FLAG_LOCALE | FLAG_DEBUG)) != 0 ||
      !put_words(&words, PyTuple_GetItem(arguments, 2)) || !put_names(&group_names, PyTuple_GetItem(arguments, 4))) {
    goto out;
  }
  put_number(&numbers, (uint64_t)wanted);
  size_t first = numbers.length;
  put_number(&numbers, (uint64_t)flags);
  size_t second = numbers.length;
  put_number(&numbers, (uint64_t)groups);
  if (words.failed || group_names.failed || numbers.failed) goto out;
  const char *digits = (const char *)numbers.bytes;
  const struct record_regex regex = {
      .is_bytes = field_of(is_bytes ? "1" : "0", 1),
      .asked = field_of(digits, first),
      .pattern = field_of(text, (size_t)length),
      .flags = field_of(digits + first, second - first),
      .groups = field_of(digits + second, numbers.length - second),
      .words = field_of((const char *)words.bytes, words.length),
      .names = field_of((const char *)group_names.bytes, group_names.length),
  };
  LOG_APPEND(regex, &regex);
out:
  pycds_buffer_free(&words);
  pycds_buffer_free(&group_names);
  pycds_buffer_free(&numbers);
  PyErr_Clear();
}

/* ---- the two functions ---- */

static PyObject *build(PyObject *self, PyObject *args, PyObject *keywords) {
  (void)self;
  bool own = regexes.depth == 1 && !keywords && PyTuple_Size(args) == 6 && PyTuple_GetItem(args, 0) == regexes.pattern;
  if (own) {
    drop(regexes.arguments);
    regexes.arguments = keep(args);
  }
  return PyObject_Call(regexes.build, args, keywords);
}

static PyObject *compile_and_record(PyObject *args) {
  PyObject *all = warning_names(), *own = all ? watch_warnings(all) : NULL;
  regexes.pattern = PyTuple_GetItem(args, 0);
  regexes.warned = false;
  regexes.depth = 1;
  PyObject *result = PyObject_Call(regexes.stock, args, NULL);
  regexes.depth = 0;
  bool quiet = !regexes.warned && (all ? own != NULL : warning_names() == NULL);
  PyObject *arguments = regexes.arguments;
  regexes.arguments = NULL;
  if (!result) {
    struct pending pending = pending_take();
    if (all) leave_warnings(all, own);
    drop(arguments);
    pending_restore(pending);
    return NULL;
  }
  if (all) leave_warnings(all, own);
  if (quiet && arguments) record(PyTuple_Size(args) == 2 ? PyTuple_GetItem(args, 1) : NULL, arguments);
  drop(arguments);
  PyErr_Clear();
  return result;
}

static PyObject *compile(PyObject *self, PyObject *args, PyObject *keywords) {
  (void)self;
  Py_ssize_t count = PyTuple_Size(args);
  /* One at a time: another thread may come in between. */
  if (keywords || (count != 1 && count != 2) || regexes.depth > 0 || !log_is_open()) {
    return PyObject_Call(regexes.stock, args, keywords);
  }
  return compile_and_record(args);
}

/* ---- taking their places ---- */

static PyObject *compiler_module(void) {
  PyObject *modules = PyImport_GetModuleDict();
  PyObject *module = PyDict_GetItemString(modules, "re._compiler");
  if (!module) module = PyDict_GetItemString(modules, "sre_compile");
  return module && type_of(module) == &PyModule_Type ? module : NULL;
}

/* The compiler's own function, or that which asks the archives first. */
static bool is_genuine(PyObject *function, PyObject *module_names) {
  if (function == cache_regex_own()) return true;
  PyObject *globals = type_of(function) == &PyFunction_Type ? PyObject_GetAttrString(function, "__globals__") : NULL;
  drop(globals);
  return globals == module_names;
}

void regexes_attach(void) {
  static PyMethodDef outer = {"compile", (PyCFunction)(void (*)(void))compile, METH_VARARGS | METH_KEYWORDS,
                              "compile(p, flags=0)\n--\n\n"};
  static PyMethodDef inner = {"compile", (PyCFunction)(void (*)(void))build, METH_VARARGS | METH_KEYWORDS, NULL};
  if (regexes.stock || !log_is_open() || cache_regex_is_due()) return;
  PyObject *module = compiler_module();
  PyObject *own = module ? PyModule_GetDict(module) : NULL;
  PyObject *function = own ? PyDict_GetItemString(own, "compile") : NULL;
  PyObject *sre = function && is_genuine(function, own) ? PyDict_GetItemString(own, "_sre") : NULL;
  bool genuine = sre && type_of(sre) == &PyModule_Type;
  PyObject *below = genuine ? PyModule_GetDict(sre) : NULL;
  PyObject *built = below ? PyDict_GetItemString(below, "compile") : NULL;
  if (built && type_of(built) == &PyCFunction_Type) {
    PyObject *name = PyObject_GetAttrString(module, "__name__"), *sre_name = PyObject_GetAttrString(sre, "__name__");
    PyObject *first = name ? PyCFunction_NewEx(&outer, NULL, name) : NULL;
    PyObject *second = sre_name ? PyCFunction_NewEx(&inner, sre, sre_name) : NULL;
    if (first && second) {
      regexes.stock = keep(function);
      regexes.build = keep(built);
      if (PyDict_SetItemString(below, "compile", second) == 0) PyDict_SetItemString(own, "compile", first);
    }
    drop(name);
    drop(sre_name);
    drop(first);
    drop(second);
  }
  PyErr_Clear();
}
