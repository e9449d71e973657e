// SPDX-License-Identifier: Apache-2.0
// compile, exec and eval of source strings that training compiled: the archived code is
// unmarshalled, a fresh code object for each call as ever, and for exec and eval given to
// the builtin itself, which does everything that is not compiling: the caller's namespaces,
// __builtins__, checks of arguments, the audit event of running.
#include <stdlib.h>
#include <string.h>

#include "../../cpython/object.h"
#include "../../cpython/pending.h"
#include "../../cpython/source_call.h"
#include "../../format/number.h"
#include "../host/handed.h"
#include "../host/report.h"
#include "ask.h"

/* The interpreter's optimisation level, which is also the archive's. */
static uint8_t own_level;
/* Whether archives are asked for the code of a text. */
static bool answers;
/* Gives the code of a text that no archive has; NULL: nobody does. */
static source_code compiler;
static void (*code_ran)(void);

static PyObject *unmarshal(const uint8_t *bytes, size_t length) {
  PyObject *code = PyMarshal_ReadObjectFromString((const char *)bytes, (Py_ssize_t)length);
  if (code && type_of(code) == &PyCode_Type) return code;
  PyErr_Clear();
  drop(code);
  return NULL;
}

static PyObject *load(const struct source_question *question) {
  const uint8_t *answer;
  uint32_t bytes;
  if (!cache_ask(&question->head, question->filename_text, question->text, question->text_bytes, &answer, &bytes)) {
    return NULL;
  }
  PyObject *code = unmarshal(answer, bytes);
  cache_release();
  return code;
}

/* A text that differs from one of training in a number that is another one in each process. */
static PyObject *load_with_number(const struct source_question *question) {
  struct pycds_number number;
  if (!pycds_number_find(question->text, question->text_bytes, &number)) return NULL;
  char literal[PYCDS_NUMBER_MAX_WIDTH];
  const struct pycds_number sample = pycds_number_sample(number.width, number.negative, literal);
  char *text = malloc(question->text_bytes);
  if (!text) return NULL;
  memcpy(text, question->text, question->text_bytes);
  memcpy(text + number.at, literal, number.width);
  PyObject *code = NULL;
  const uint8_t *answer;
  uint32_t bytes;
  if (cache_ask(&question->head, question->filename_text, text, question->text_bytes, &answer, &bytes)) {
    uint8_t *changed = malloc((size_t)bytes + PYCDS_NUMBER_MAX_BYTES);
    size_t length = changed ? pycds_number_replace(answer, bytes, &sample, &number, changed) : 0;
    cache_release();
    if (length > 0) code = unmarshal(changed, length);
    free(changed);
  }
  free(text);
  return code;
}

static PyObject *find(const struct source_question *question) {
  double start = report_wanted() ? report_clock() : 0;
  PyObject *code = load(question);
  if (!code) code = load_with_number(question);
  report_cached(REPORT_SOURCE, code != NULL);
  if (report_wanted()) report.milliseconds += report_clock() - start;
  return code;
}

/* CPython ends with SIGINT when the last source string that it ran itself was left by a
 * KeyboardInterrupt, even one that the program caught. It notes that where only it can, so
 * it gets one to run. */
static bool interrupted;

static void note_interrupt(void) {
  struct pending pending = pending_take();
  PyObject *text = PyUnicode_InternFromString("raise KeyboardInterrupt"), *space = PyDict_New();
  PyObject *items[] = {text, space};
  const struct source_arguments arguments = {items, 2, NULL};
  if (text && space) drop(source_call_stock(SOURCE_EXEC, &arguments));
  drop(text);
  drop(space);
  pending_restore(pending);
  interrupted = true;
}

static PyObject *run(enum source_builtin builtin, const struct source_arguments *arguments) {
  PyObject *code = arguments->items[0];
  bool archived = handed_runs(code);
  PyObject *result = source_call_stock(builtin, arguments);
  if (archived && result && arguments->count > 1) cache_regex_ran_in(code, arguments->items[1]);
  if (code_ran) {
    /* What the code has raised is the program's. */
    struct pending pending = pending_take();
    code_ran();
    pending_restore(pending);
  }
  return result;
}

static PyObject *code_of(const struct source_question *question) {
  PyObject *code = answers ? find(question) : NULL;
  return code || !compiler ? code : compiler(question);
}

/* Apart from those who run code, which may import, and so on: its variables would lie on the stack as often. */
__attribute__((noinline)) static PyObject *answer_text(enum source_builtin builtin,
                                                       const struct source_arguments *arguments) {
  struct source_question question;
  if ((!answers && !compiler) || !source_call_question(builtin, arguments, own_level, &question)) {
    return source_call_stock(builtin, arguments);
  }
  /* The builtin takes that note back when it runs the next one. */
  bool take_back = interrupted && builtin != SOURCE_COMPILE;
  if (take_back) interrupted = false;
  PyObject *code = take_back ? NULL : code_of(&question), *result = NULL;
  if (!code) return source_call_stock(builtin, arguments);
  if (PySys_Audit("compile", "yO", question.text, question.filename) == 0) {
    if (builtin == SOURCE_COMPILE) return code;
    result = source_call_instead(builtin, arguments, code);
    if (!result && PyErr_Occurred() == PyExc_KeyboardInterrupt) note_interrupt();
  }
  Py_DecRef(code);
  return result;
}

static PyObject *answer(enum source_builtin builtin, const struct source_arguments *arguments) {
  bool is_code = builtin != SOURCE_COMPILE && arguments->count > 0 && type_of(arguments->items[0]) == &PyCode_Type;
  return is_code ? run(builtin, arguments) : answer_text(builtin, arguments);
}

/* Once: what has been diverted would take itself for the stock builtin. */
static bool divert(uint8_t level) {
  static bool tried, done;
  if (!tried) done = source_call_divert(answer);
  tried = true;
  own_level = level;
  return done;
}

bool cache_source_start(const struct archive *archive, bool is_wanted) {
  answers = answers || is_wanted;
  return divert(archive->header.optimize);
}

bool cache_source_watch(uint8_t level, source_code code, void (*ran)(void)) {
  compiler = code;
  code_ran = ran;
  return divert(level);
}
