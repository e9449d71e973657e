// SPDX-License-Identifier: Apache-2.0
#include "source_call.h"

#include <string.h>

#include "object.h"

#define MAX_ARGUMENTS 8
/* Future statements, in all supported versions: what a caller can hand down. Other flags
 * (an AST, top-level await, ...) ask for something else than plain code. */
#define FUTURE_FLAGS 0x1fe0000ul

/* The head of CPython's PyCFunctionObject; its first words are those of every object. */
struct builtin_object {
  intptr_t refcount;
  PyTypeObject *type;
  PyMethodDef *method;
  PyObject *self;
};

typedef PyObject *(*plain_function)(PyObject *, PyObject *const *, Py_ssize_t);
typedef PyObject *(*keyword_function)(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);

static struct {
  source_handler handler;
  PyObject *string; /* the name that exec and eval give */
  struct {
    PyMethodDef own;
    const PyMethodDef *stock;
    PyObject *self;
  } builtins[SOURCE_BUILTINS];
} diverted;

/* ---- standing in ---- */

static PyObject *handle(enum source_builtin builtin, PyObject *const *items, Py_ssize_t count, PyObject *keywords) {
  const struct source_arguments arguments = {items, count, keywords};
  return diverted.handler(builtin, &arguments);
}

static PyObject *own_compile(PyObject *self, PyObject *const *items, Py_ssize_t count, PyObject *keywords) {
  (void)self;
  return handle(SOURCE_COMPILE, items, count, keywords);
}

static PyObject *own_exec(PyObject *self, PyObject *const *items, Py_ssize_t count, PyObject *keywords) {
  (void)self;
  return handle(SOURCE_EXEC, items, count, keywords);
}

static PyObject *own_eval(PyObject *self, PyObject *const *items, Py_ssize_t count, PyObject *keywords) {
  (void)self;
  return handle(SOURCE_EVAL, items, count, keywords);
}

static PyObject *own_plain_exec(PyObject *self, PyObject *const *items, Py_ssize_t count) {
  (void)self;
  return handle(SOURCE_EXEC, items, count, NULL);
}

static PyObject *own_plain_eval(PyObject *self, PyObject *const *items, Py_ssize_t count) {
  (void)self;
  return handle(SOURCE_EVAL, items, count, NULL);
}

static bool prepare(enum source_builtin builtin, PyObject *function) {
  static const char *const names[] = {"compile", "exec", "eval"};
  static const keyword_function with_keywords[] = {own_compile, own_exec, own_eval};
  static const plain_function plain[] = {NULL, own_plain_exec, own_plain_eval};
  if (!function || type_of(function) != &PyCFunction_Type) return false;
  const struct builtin_object *object = (const void *)function;
  const PyMethodDef *stock = object->method;
  if (PyCFunction_GetFunction(function) != stock->ml_meth || PyCFunction_GetFlags(function) != stock->ml_flags ||
      strcmp(stock->ml_name, names[builtin]) != 0) {
    return false;
  }
  diverted.builtins[builtin].stock = stock;
  diverted.builtins[builtin].self = object->self;
  diverted.builtins[builtin].own = *stock;
  if (stock->ml_flags == (METH_FASTCALL | METH_KEYWORDS)) {
    diverted.builtins[builtin].own.ml_meth = (PyCFunction)(void (*)(void))with_keywords[builtin];
  } else if (stock->ml_flags == METH_FASTCALL && plain[builtin]) {
    diverted.builtins[builtin].own.ml_meth = (PyCFunction)(void (*)(void))plain[builtin];
  } else {
    return false;
  }
  return true;
}

bool source_call_divert(source_handler handler) {
  PyObject *all = PyEval_GetBuiltins();
  PyObject *functions[] = {PyDict_GetItemString(all, "compile"), PyDict_GetItemString(all, "exec"),
                           PyDict_GetItemString(all, "eval")};
  if (_Py_DecRefShared || !PyEval_MergeCompilerFlags) return false; /* free-threaded: objects look different */
  for (int i = 0; i < SOURCE_BUILTINS; i++) {
    if (!prepare((enum source_builtin)i, functions[i])) return false;
  }
  diverted.string = PyUnicode_InternFromString("<string>");
  if (!diverted.string) return false;
  diverted.handler = handler;
  for (int i = 0; i < SOURCE_BUILTINS; i++) {
    ((struct builtin_object *)(void *)functions[i])->method = &diverted.builtins[i].own;
  }
  return true;
}

PyObject *source_call_stock(enum source_builtin builtin, const struct source_arguments *arguments) {
  const PyMethodDef *stock = diverted.builtins[builtin].stock;
  PyObject *self = diverted.builtins[builtin].self;
  void (*function)(void) = (void (*)(void))stock->ml_meth;
  if (stock->ml_flags & METH_KEYWORDS) {
    return ((keyword_function)function)(self, arguments->items, arguments->count, arguments->keywords);
  }
  return ((plain_function)function)(self, arguments->items, arguments->count);
}

static Py_ssize_t keyword_count(const struct source_arguments *arguments) {
  return arguments->keywords ? PyTuple_Size(arguments->keywords) : 0;
}

PyObject *source_call_instead(enum source_builtin builtin, const struct source_arguments *arguments, PyObject *first) {
  PyObject *items[MAX_ARGUMENTS];
  Py_ssize_t all = arguments->count + keyword_count(arguments);
  items[0] = first;
  for (Py_ssize_t i = 1; i < all && i < MAX_ARGUMENTS; i++) items[i] = arguments->items[i];
  const struct source_arguments changed = {items, arguments->count, arguments->keywords};
  return source_call_stock(builtin, &changed);
}

/* ---- the question ---- */

enum parameter { SOURCE, FILENAME, MODE, FLAGS, DONT_INHERIT, OPTIMIZE, FEATURE_VERSION, MODULE, PARAMETERS };

static bool is_text(PyObject *object, const char *text) {
  Py_ssize_t length;
  const char *bytes = object && type_of(object) == &PyUnicode_Type ? PyUnicode_AsUTF8AndSize(object, &length) : NULL;
  return bytes && (size_t)length == strlen(text) && memcmp(bytes, text, (size_t)length) == 0;
}

/* The arguments of compile() by parameter; false when they cannot be told apart. */
static bool bind(const struct source_arguments *arguments, PyObject **bound) {
  static const char *const names[PARAMETERS] = {"source",   "filename",         "mode",  "flags", "dont_inherit",
                                                "optimize", "_feature_version", "module"};
  if (arguments->count > FEATURE_VERSION) return false;
  for (Py_ssize_t i = 0; i < arguments->count; i++) bound[i] = arguments->items[i];
  for (Py_ssize_t i = 0; i < keyword_count(arguments); i++) {
    int parameter = 0;
    while (parameter < PARAMETERS && !is_text(PyTuple_GetItem(arguments->keywords, i), names[parameter])) parameter++;
    if (parameter == PARAMETERS || bound[parameter]) return false;
    bound[parameter] = arguments->items[arguments->count + i];
  }
  return bound[SOURCE] && bound[FILENAME] && bound[MODE];
}

/* A number given as exactly an int or a bool. */
static bool number_of(PyObject *object, long missing, long *out) {
  *out = missing;
  if (!object) return true;
  if (object == &_Py_TrueStruct || object == &_Py_FalseStruct) {
    *out = object == &_Py_TrueStruct;
    return true;
  }
  if (type_of(object) != &PyLong_Type) return false;
  *out = PyLong_AsLong(object);
  return !PyErr_Occurred();
}

static bool question_of_compile(const struct source_arguments *arguments, uint8_t own_level,
                                struct source_question *out, bool *inherits) {
  PyObject *bound[PARAMETERS] = {NULL};
  long flags, dont_inherit, optimize;
  if (!bind(arguments, bound) || type_of(bound[FILENAME]) != &PyUnicode_Type || bound[FEATURE_VERSION] ||
      (bound[MODULE] && bound[MODULE] != &_Py_NoneStruct) || !number_of(bound[FLAGS], 0, &flags) ||
      !number_of(bound[DONT_INHERIT], 0, &dont_inherit) || !number_of(bound[OPTIMIZE], -1, &optimize)) {
    return false;
  }
  if (((unsigned long)flags & ~FUTURE_FLAGS) != 0 || optimize < -1 || optimize > 2) return false;
  if (is_text(bound[MODE], "exec")) {
    out->head.type = PYCDS_SOURCE_EXEC;
  } else if (is_text(bound[MODE], "eval")) {
    out->head.type = PYCDS_SOURCE_EVAL;
  } else if (is_text(bound[MODE], "single")) {
    out->head.type = PYCDS_SOURCE_SINGLE;
  } else {
    return false;
  }
  out->source = bound[SOURCE];
  out->filename = bound[FILENAME];
  out->head.optimize = optimize < 0 ? own_level : (uint8_t)optimize;
  out->head.flags = (uint32_t)flags;
  *inherits = dont_inherit == 0;
  return true;
}

static bool question_of_run(enum source_builtin builtin, const struct source_arguments *arguments, uint8_t own_level,
                            struct source_question *out) {
  Py_ssize_t keywords = keyword_count(arguments);
  if (arguments->count < 1 || arguments->count + keywords > 3) return false;
  for (Py_ssize_t i = 0; i < keywords; i++) {
    if (is_text(PyTuple_GetItem(arguments->keywords, i), "closure")) return false;
  }
  out->source = arguments->items[0];
  out->filename = diverted.string;
  out->head.type = builtin == SOURCE_EVAL ? PYCDS_SOURCE_EVAL : PYCDS_SOURCE_EXEC;
  out->head.optimize = own_level;
  return true;
}

/* A NUL is an error, in a file name and in a source. */
static bool take_text(PyObject *object, const char **text, size_t *bytes) {
  Py_ssize_t length;
  *text = PyUnicode_AsUTF8AndSize(object, &length);
  if (*text) *bytes = (size_t)length;
  return *text && !memchr(*text, 0, (size_t)length);
}

static bool fill(enum source_builtin builtin, const struct source_arguments *arguments, uint8_t own_level,
                 struct source_question *out) {
  bool inherits = true;
  size_t filename_bytes;
  if (builtin == SOURCE_COMPILE ? !question_of_compile(arguments, own_level, out, &inherits)
                                : !question_of_run(builtin, arguments, own_level, out)) {
    return false;
  }
  if (type_of(out->source) != &PyUnicode_Type || !take_text(out->source, &out->text, &out->text_bytes) ||
      !take_text(out->filename, &out->filename_text, &filename_bytes) || filename_bytes > UINT32_MAX) {
    return false;
  }
  /* As eval does, but compile in the mode of eval does not. */
  while (builtin == SOURCE_EVAL && (*out->text == ' ' || *out->text == '\t')) {
    out->text++;
    out->text_bytes--;
  }
  struct {
    int flags, feature_version;
  } inherited = {0, 0};
  if (inherits) PyEval_MergeCompilerFlags(&inherited);
  out->head.flags |= (uint32_t)((unsigned long)inherited.flags & FUTURE_FLAGS);
  out->head.filename_bytes = (uint32_t)filename_bytes;
  return true;
}

bool source_call_question(enum source_builtin builtin, const struct source_arguments *arguments, uint8_t optimize,
                          struct source_question *out) {
  /* The usual case by far: a code object to run. */
  if (arguments->count > 0 && type_of(arguments->items[0]) != &PyUnicode_Type) return false;
  *out = (struct source_question){.head.kind = PYCDS_QUESTION_SOURCE};
  if (fill(builtin, arguments, optimize, out)) return true;
  PyErr_Clear();
  return false;
}

int source_call_start(uint8_t mode) {
  static const int starts[] = {[PYCDS_SOURCE_EXEC] = Py_file_input,
                               [PYCDS_SOURCE_EVAL] = Py_eval_input,
                               [PYCDS_SOURCE_SINGLE] = Py_single_input};
  return starts[mode];
}
