// SPDX-License-Identifier: Apache-2.0
// A text is compiled once, and the program gets that code: as it would from an archive.
#include "sources.h"

#include <stdlib.h>
#include <string.h>

#include "../../cpython/object.h"
#include "../../cpython/one_off.h"
#include "../../cpython/strict_compile.h"
#include "../../format/hash.h"
#include "../../static/sys/text.h"
#include "../caches/ask.h"
#include "log.h"
#include "marshal.h"
#include "regexes.h"

#define MAX_TEXT_BYTES ((size_t)256 * 1024)
/* A power of two; a program that compiles more texts than half of it teaches no more. */
#define MAX_TEXTS 8192

static uint64_t *known; /* hashes of the questions that have been recorded; 0: a free place */
static size_t count;
static uint8_t own_level; /* the interpreter's optimisation */

/* Programs compile the same text again and again. */
static bool is_new(const struct source_question *question) {
  if (!known) known = calloc(MAX_TEXTS, sizeof *known);
  if (!known || count >= MAX_TEXTS / 2) return false;
  uint64_t hash = pycds_hash(question->text, question->text_bytes) ^
                  pycds_hash(&question->head, sizeof question->head) * UINT64_C(0x9E3779B97F4A7C15) ^
                  pycds_hash(question->filename_text, question->head.filename_bytes);
  if (hash == 0) hash = 1;
  size_t at = hash & (MAX_TEXTS - 1);
  for (; known[at]; at = (at + 1) & (MAX_TEXTS - 1)) {
    if (known[at] == hash) return false;
  }
  known[at] = hash;
  count++;
  return true;
}

static void record(const struct source_question *question, PyObject *code) {
  char flags[TEXT_DECIMAL_BYTES], optimize[TEXT_DECIMAL_BYTES], *bytes;
  Py_ssize_t length;
  PyObject *marshal = learn_marshal(code, true);
  if (marshal && PyBytes_AsStringAndSize(marshal, &bytes, &length) == 0) {
    const char *mode = pycds_source_mode_name(question->head.type);
    const char *flag = text_of_decimal(flags, question->head.flags);
    const char *level = text_of_decimal(optimize, question->head.optimize);
    const struct record_source source = {
        .mode = field_of(mode, text_length(mode)),
        .flags = field_of(flag, text_length(flag)),
        .optimize = field_of(level, text_length(level)),
        .filename = field_of(question->filename_text, question->head.filename_bytes),
        .text = field_of(question->text, question->text_bytes),
        .marshal = field_of(bytes, (size_t)length),
    };
    LOG_APPEND(source, &source);
  }
  drop(marshal);
}

static PyObject *code_of(const struct source_question *question) {
  if (!log_is_open() || question->text_bytes > MAX_TEXT_BYTES || strict_is_watched() ||
      one_off_question(question, own_level) || one_off_text(question->text, question->text_bytes) ||
      !is_new(question)) {
    return NULL;
  }
  PyObject *code = strict_compile(question);
  if (code) record(question, code);
  PyErr_Clear();
  return code;
}

void learn_sources_start(uint8_t level) {
  own_level = level;
  if (strict_start()) cache_source_watch(level, code_of, regexes_attach);
  PyErr_Clear();
}
