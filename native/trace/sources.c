// SPDX-License-Identifier: Apache-2.0
// A source string is compiled here first, with warnings as errors: what compiles silently
// is recorded and is what the program gets or runs; what does not is left to the builtin
// itself, to fail or to warn in its own way. The program sees no difference but audit
// events that a failing or warning source raises twice.
#include "sources.h"

#include "../cpython/object.h"
#include "../cpython/one_off.h"
#include "../cpython/source_call.h"
#include "../cpython/strict_compile.h"
#include "../format/number.h"

static struct {
  PyObject *wants, *record, *record_samples; /* tracer.py's */
  uint8_t optimize;
  bool busy; /* while tracer.py works, which is Python code, too */
} sources;

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
  /* Of what is left there may be more of the kind. */
  if (one_off_text(question->text, number.at) || one_off_text(question->text + end, question->text_bytes - end)) return;
  PyObject *tail = PyUnicode_FromStringAndSize(question->text + end, (Py_ssize_t)(question->text_bytes - end));
  if (tail) tell(sources.record_samples, &head, tail);
  drop(tail);
  PyErr_Clear();
}

static PyObject *observe(enum source_builtin builtin, const struct source_arguments *arguments) {
  struct source_question question;
  if (sources.busy || !source_call_question(builtin, arguments, sources.optimize, &question) || strict_is_watched() ||
      one_off_question(&question, sources.optimize) || !tell(sources.wants, &question, NULL)) {
    return source_call_stock(builtin, arguments);
  }
  PyObject *code = strict_compile(&question);
  if (!code) return source_call_stock(builtin, arguments);
  if (!one_off_text(question.text, question.text_bytes)) tell(sources.record, &question, code);
  tell_of_number(&question);
  if (builtin == SOURCE_COMPILE) return code;
  PyObject *result = source_call_instead(builtin, arguments, code);
  Py_DecRef(code);
  return result;
}

void sources_start(PyObject *namespace) {
  PyObject *flags = PySys_GetObject("flags");
  PyObject *optimize = flags ? PyObject_GetAttrString(flags, "optimize") : NULL;
  sources.wants = PyDict_GetItemString(namespace, "wants_source");
  sources.record = PyDict_GetItemString(namespace, "record_source_string");
  sources.record_samples = PyDict_GetItemString(namespace, "record_samples");
  bool found = optimize && sources.wants && sources.record && sources.record_samples;
  if (found && strict_start()) {
    Py_IncRef(sources.wants);
    Py_IncRef(sources.record);
    Py_IncRef(sources.record_samples);
    sources.optimize = (uint8_t)PyLong_AsLong(optimize);
    source_call_divert(observe);
  }
  drop(optimize);
  PyErr_Clear();
}
