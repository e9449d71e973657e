// SPDX-License-Identifier: Apache-2.0
// importlib's _call_with_frames_removed calls what it is given, with the arguments that follow. Functions that have
// its instructions, and the name, file and globals of the functions that they stand for, call one another in
// the place of these. Only their local variables differ, and that they are other code objects.
// Where functions with *args take more of the C stack than others, each has the instructions of a function with just its number of arguments.
#include "frames.h"

/* Of the call, from the first line of _call_with_frames_removed, and of exec_module of a source loader. */
#define RUN_LINE 8
#define EXEC_LINE 6

static struct {
  PyObject *find, *find_unlocked, *load, *exec_module; /* below a body, outermost first */
  PyObject *find_for_parent, *parent;                  /* below the import of a parent */
} frames;

static bool set(PyObject *keywords, PyObject *code, const char *name) {
  PyObject *value = PyObject_GetAttrString(code, name);
  bool done = value && PyDict_SetItemString(keywords, name, value) == 0;
  drop(value);
  return done;
}

/* The code of a function that calls its first argument with the others, of which there are `count`; sets *line to where it
 * does, counted from its first. */
static PyObject *caller(size_t count, long *line) {
  static const char *const texts[] = {
      "lambda a,b,c:a(b,c)",
      "lambda a,b,c,d:a(b,c,d)",
      "lambda a,b,c,d,e:a(b,c,d,e)",
      "lambda a,b,c,d,e,f:a(b,c,d,e,f)",
      "lambda a,b,c,d,e,f,g:a(b,c,d,e,f,g)",
  };
  const size_t least = 2;
  if (!(importlib.features & STACKS_STARRED)) {
    *line = RUN_LINE;
    return PyObject_GetAttrString(importlib.run, "__code__");
  }
  *line = 0;
  PyObject *all = Py_CompileString(texts[count - least], "", Py_eval_input);
  PyObject *constants = all ? PyObject_GetAttrString(all, "co_consts") : NULL;
  PyObject *code = constants && PyTuple_Size(constants) > 0 ? keep(PyTuple_GetItem(constants, 0)) : NULL;
  drop(constants);
  drop(all);
  return code;
}

/* Code of a caller, looking like `original` in its line `line`, counted from its first. */
static PyObject *disguise(PyObject *original, long line, size_t count) {
  long own_line;
  PyObject *own = caller(count, &own_line), *result = NULL;
  PyObject *replace = own ? PyObject_GetAttrString(own, "replace") : NULL;
  PyObject *first = PyObject_GetAttrString(original, "co_firstlineno");
  PyObject *number = first ? PyLong_FromLong(PyLong_AsLong(first) + line - own_line) : NULL;
  PyObject *keywords = PyDict_New(), *none = PyTuple_New(0);
  bool done = replace && number && keywords && none && set(keywords, original, "co_name") &&
              set(keywords, original, "co_filename") && PyDict_SetItemString(keywords, "co_firstlineno", number) == 0;
  /* Since 3.11. */
  if (done && !set(keywords, original, "co_qualname")) PyErr_Clear();
  if (done) result = PyObject_Call(replace, none, keywords);
  drop(own);
  drop(replace);
  drop(first);
  drop(number);
  drop(keywords);
  drop(none);
  return result;
}

/* `count`: of the arguments that it passes on. */
static PyObject *stand_in(PyObject *original, long line, size_t count) {
  if (!original || type_of(original) != &PyFunction_Type) return NULL;
  PyObject *code = PyObject_GetAttrString(original, "__code__"), *own = code ? disguise(code, line, count) : NULL;
  PyObject *globals = PyObject_GetAttrString(original, "__globals__"), *result = NULL;
  if (own && globals) result = PyObject_CallFunctionObjArgs((PyObject *)&PyFunction_Type, own, globals, NULL);
  drop(code);
  drop(own);
  drop(globals);
  return result;
}

static PyObject *own_function(PyObject *name) { return item_of(importlib.bootstrap_dict, name); }

void frames_start(void) {
  const struct import_lines *lines = &importlib.lines;
  PyObject *find = own_function(names.find_and_load);
  PyObject *exec = PyObject_GetAttrString(importlib.loader_type, "exec_module");
  bool parents_apart = (importlib.features & WAITS_FOR_ANCESTORS) != 0;
  frames.find = stand_in(find, lines->find, 6);
  frames.find_unlocked = stand_in(own_function(names.find_and_load_unlocked), lines->find_unlocked, 5);
  frames.load = stand_in(own_function(names.load_unlocked), lines->load, 4);
  frames.exec_module = stand_in(exec, EXEC_LINE, 3);
  frames.find_for_parent = stand_in(find, lines->find_for_parent, 3);
  frames.parent =
      stand_in(own_function(parents_apart ? names.resolve_parents : names.find_and_load_unlocked), lines->parent, 2);
  drop(exec);
  PyErr_Clear();
}

/* The arguments of the outermost function: apart, since it lies on the stack while the body runs. */
__attribute__((noinline)) static PyObject *arguments_for(PyObject *code, PyObject *namespace) {
  PyObject *items[] = {frames.find_unlocked, frames.load, frames.exec_module, importlib.run,
                       importlib.exec,       code,        namespace};
  const Py_ssize_t count = sizeof items / sizeof *items;
  PyObject *all = PyTuple_New(count);
  for (Py_ssize_t i = 0; all && i < count; i++) PyTuple_SetItem(all, i, keep(items[i]));
  return all;
}

PyObject *frames_run(PyObject *code, PyObject *namespace) {
  if (!frames.find || !frames.find_unlocked || !frames.load || !frames.exec_module) {
    return PyObject_CallFunctionObjArgs(importlib.run, importlib.exec, code, namespace, NULL);
  }
  /* Takes less of the stack than a call with an array. */
  PyObject *arguments = arguments_for(code, namespace);
  PyObject *result = arguments ? PyObject_Call(frames.find, arguments, NULL) : NULL;
  drop(arguments);
  return result;
}

PyObject *frames_import(PyObject *import, PyObject *name) {
  if (!frames.find_for_parent || !frames.parent) return PyObject_CallFunctionObjArgs(import, name, NULL);
  return PyObject_CallFunctionObjArgs(frames.find_for_parent, frames.parent, importlib.run, import, name, NULL);
}
