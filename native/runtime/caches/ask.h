// SPDX-License-Identifier: Apache-2.0
// Cached results in the archive in use: what importing would compute again each time.
#ifndef PYCDS_RUNTIME_ASK_H
#define PYCDS_RUNTIME_ASK_H

#include "../../cpython/source_call.h"
#include "../archive/archive.h"

enum cache_switch { CACHE_REGEXES = 1, CACHE_SOURCES = 2 };

/* The caches that this process is to use: what PYCDS_CACHES says (off, regexes, sources;
 * all of them without it), none when the archive has no results. Reads nothing yet. */
unsigned cache_open(struct archive *archive);

/* Looks a question up; `filename` and `text` are its texts. The answer stays valid until
 * cache_release, which must follow each true; while one is in use all others are misses. */
bool cache_ask(const struct pycds_question *head, const char *filename, const void *text, size_t text_bytes,
               const uint8_t **answer, uint32_t *answer_bytes);
void cache_release(void);

/* regex.c: lets re's compiler look programs up. Called when a module is found in the
 * archive, when code has run as a module's body, and once at the start. */
void cache_regex_found(const char *name, size_t length, PyObject *code);
void cache_regex_ran(PyObject *code, PyObject *module);
void cache_regex_start(struct archive *archive);

/* The same when code that get_code gave has run in `namespace`. */
void cache_regex_ran_in(PyObject *code, PyObject *namespace);

/* source.c: lets compile, exec and eval look code up, where it `answers`, and tells of code that they run
 * (host/handed.h); false when it can do neither in this interpreter. */
bool cache_source_start(const struct archive *archive, bool answers);

/* The same without an archive: `code_of` gives the code of a text, or NULL to leave it to the builtin, and `ran` is
 * called when a code object has been run by exec or eval. `level`: the interpreter's optimisation. */
typedef PyObject *(*source_code)(const struct source_question *question);
bool cache_source_watch(uint8_t level, source_code code_of, void (*ran)(void));

#endif
