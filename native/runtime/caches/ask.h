// SPDX-License-Identifier: Apache-2.0
// Cached results in the archives in use: what importing would compute again each time.
#ifndef PYCDS_RUNTIME_ASK_H
#define PYCDS_RUNTIME_ASK_H

#include "../../cpython/source_call.h"
#include "../archive/archive.h"

enum cache_switch { CACHE_REGEXES = 1, CACHE_SOURCES = 2 };

/* Adds an archive. The caches of it that this process is to use: what PYCDS_CACHES says (off, regexes, sources;
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
void cache_regex_start(struct archive *archives, unsigned count);

/* Whether its compile() is about to take the place of re's, whose module is running. */
bool cache_regex_is_due(void);

/* Its compile() that has taken the place of re's, borrowed; NULL: none has. */
PyObject *cache_regex_own(void);

/* The same when code that get_code gave has run in `namespace`. */
void cache_regex_ran_in(PyObject *code, PyObject *namespace);

/* source.c: lets compile, exec and eval look code up, where it `answers`, and tells of code that they run
 * (host/handed.h); false when it can do neither in this interpreter. */
bool cache_source_start(const struct archive *archive, bool answers);

/* For what no archive answers, `code` gives the code of a text, or NULL to leave it to the builtin, and `ran` is
 * called when a code object has been run by exec or eval. `level`: the interpreter's optimisation. */
typedef PyObject *(*source_code)(const struct source_question *question);
bool cache_source_watch(uint8_t level, source_code code, void (*ran)(void));

#endif
