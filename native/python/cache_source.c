// SPDX-License-Identifier: Apache-2.0
// compile, exec and eval of source strings that training compiled: the archived code is
// unmarshalled, a fresh code object for each call as ever, and for exec and eval given to
// the builtin itself, which does everything that is not compiling: the caller's namespaces,
// __builtins__, checks of arguments, the audit event of running.
#include "cache.h"
#include "report.h"
#include "runtime.h"
#include "source_call.h"

static PyObject *load(const struct source_question *question) {
  const uint8_t *answer;
  uint32_t bytes;
  if (!cache_ask(&question->head, question->filename_text, question->text, question->text_bytes, &answer, &bytes)) {
    return NULL;
  }
  PyObject *code = PyMarshal_ReadObjectFromString((const char *)answer, (Py_ssize_t)bytes);
  cache_release();
  if (code && type_of(code) == &PyCode_Type) return code;
  PyErr_Clear();
  drop(code);
  return NULL;
}

static PyObject *find(const struct source_question *question) {
  double start = report_wanted() ? report_clock() : 0;
  PyObject *code = load(question);
  report_cached(REPORT_SOURCE, code != NULL);
  if (report_wanted()) report.milliseconds += report_clock() - start;
  return code;
}

static PyObject *answer(enum source_builtin builtin, const struct source_arguments *arguments) {
  struct source_question question;
  if (!source_call_question(builtin, arguments, runtime.archive.header.optimize, &question)) {
    return source_call_stock(builtin, arguments);
  }
  PyObject *code = find(&question), *result = NULL;
  if (!code) return source_call_stock(builtin, arguments);
  if (PySys_Audit("compile", "yO", question.text, question.filename) == 0) {
    if (builtin == SOURCE_COMPILE) return code;
    result = source_call_instead(builtin, arguments, code);
  }
  Py_DecRef(code);
  return result;
}

void cache_source_start(void) { source_call_divert(answer); }
