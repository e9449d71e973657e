// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../format/lines.h"

#define LINE_BYTES 1024
#define NAMES_BYTES ((size_t)2000)

struct report report;

/* One write per line, so that lines of several processes do not mix. */
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...) {
  char line[LINE_BYTES + NAMES_BYTES];
  int start = snprintf(line, sizeof line, LINE_START, (int)getpid());
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line + start, sizeof line - (size_t)start - 1, format, arguments);
  va_end(arguments);
  size_t total = (size_t)start + (length < 0 ? 0 : (size_t)length);
  if (total > sizeof line - 2) total = sizeof line - 2;
  line[total] = '\n';
  ssize_t ignored = write(2, line, total + 1); /* nobody to tell when stderr is closed */
  (void)ignored;
}

bool report_wanted(void) { return report.summary || report.log; }

double report_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void report_served(const char *name) {
  report.served++;
  if (name) say(LINE_SERVED, name);
}

void report_read(const char *name) {
  report.read++;
  report_served(name);
}

void report_missed(const char *name, enum pycds_miss miss) {
  report.missed[miss]++;
  if (report.log) say(LINE_MISSED, name, pycds_miss_code(miss));
  if (!report.summary) return;
  if (!report.names) report.names = calloc(1, NAMES_BYTES);
  size_t used = report.names ? strlen(report.names) : NAMES_BYTES;
  if (used + strlen(name) + 40 > NAMES_BYTES) return;
  snprintf(report.names + used, NAMES_BYTES - used, "%s%s (%s)", used ? ", " : "", name, pycds_miss_code(miss));
  report.named++;
}

static const char *bytes_of(PyObject *name) {
  Py_ssize_t length;
  const char *bytes = PyUnicode_AsUTF8AndSize(name, &length);
  return bytes ? bytes : "?";
}

void report_put(void) { report.put++; }

void report_ready(PyObject *name) {
  static unsigned long before;
  report.ready++;
  if (report.log) say(LINE_READY, bytes_of(name), report.put - before);
  before = report.put;
}

void report_unready(PyObject *name, PyObject *because, const char *reason, PyObject *about) {
  report.unready++;
  if (report.log)
    say(LINE_NOT_READY, bytes_of(name), bytes_of(because), reason, about ? ": " : "", about ? bytes_of(about) : "");
}

void report_cached(enum report_cache cache, bool served) {
  if (served)
    report.cached[cache]++;
  else
    report.uncached[cache]++;
}

void report_rejected(enum pycds_reject reject) {
  report.reject = reject;
  if (reject && report.log) say(LINE_REJECTED, pycds_reject_code(reject));
}

void report_snapshot(const char *path, enum snapshot_reject reject, const char *about, double milliseconds) {
  report.snapshot = path && *path ? path : NULL;
  report.snapshot_reject = reject;
  report.snapshot_about = reject ? about : NULL;
  report.thawed = milliseconds;
  if (report.snapshot && report.log) {
    if (report.snapshot_about)
      say(LINE_NOT_THAWED_FOR, snapshot_reject_code(reject), about);
    else if (reject)
      say(LINE_NOT_THAWED, snapshot_reject_code(reject));
    else if (report.at_once)
      say(LINE_THAWED_AT_ONCE, milliseconds);
    else
      say(LINE_THAWED, milliseconds);
  }
}

static void summarise_snapshot(void) {
  if (!report.snapshot || report.snapshot_reject == SNAPSHOT_REJECT_OFF) return;
  if (report.snapshot_reject) {
    const char *about = report.snapshot_about;
    say(LINE_SNAPSHOT_NOT_USED, report.snapshot, snapshot_reject_code(report.snapshot_reject),
        snapshot_reject_sentence(report.snapshot_reject), about ? ": " : "", about ? about : "");
  } else if (report.reject) {
    /* Its modules come through the archive's finder. */
    say(LINE_SNAPSHOT_IDLE, report.snapshot, report.thawed, pycds_reject_code(report.reject));
  } else
    say(LINE_SNAPSHOT_USED, report.snapshot, report.put, report.thawed, report.served);
  if (report.unready > 0) say(LINE_SOME_NOT_READY, report.unready, report.ready + report.unready);
}

void report_unmet(void) {
  say(LINE_UNMET, report.path, pycds_reject_code(report.reject), pycds_reject_sentence(report.reject));
}

static void summarise_cache(enum report_cache cache, const char *what) {
  unsigned long total = report.cached[cache] + report.uncached[cache];
  if (total > 0) say(LINE_COMPILATIONS, report.cached[cache], total, what);
}

static bool summarise_learning(void) {
  const char *code, *sentence;
  if (!report.learning || !report.learning(&code, &sentence)) return false;
  say(LINE_LEARNING, code, sentence);
  return true;
}

static void summarise(void) {
  summarise_snapshot();
  bool learns = summarise_learning();
  /* Whoever learns has none yet. */
  if (learns && report.reject == PYCDS_REJECT_MISSING && !getenv("PYCDS_ARCHIVE")) return;
  if (report.reject) {
    say(LINE_NOT_USED, report.path, pycds_reject_code(report.reject), pycds_reject_sentence(report.reject));
    return;
  }
  unsigned long missed = 0;
  for (int i = 0; i < PYCDS_MISS_COUNT; i++) missed += report.missed[i];
  unsigned long total = report.served + missed;
  say(LINE_MODULES, report.served, total, total ? 100.0 * (double)report.served / (double)total : 0.0, report.path,
      report.milliseconds);
  if (report.beside) say(LINE_BESIDE, report.learned);
  if (missed > 0) {
    say(LINE_NOT_SERVED, report.names ? report.names : "", report.named < missed ? ", and more" : "");
  }
  summarise_cache(REPORT_REGEX, "regular expressions");
  summarise_cache(REPORT_SOURCE, "source strings");
}

static PyObject *at_exit(PyObject *self, PyObject *unused) {
  (void)unused;
  summarise();
  Py_IncRef(self);
  return self;
}

void report_at_exit(void) {
  static PyMethodDef method = {"_pycds_report", at_exit, METH_NOARGS, NULL};
  PyObject *module = PyImport_ImportModule("atexit");
  PyObject *add = module ? PyObject_GetAttrString(module, "register") : NULL;
  PyObject *function = PyCFunction_NewEx(&method, &_Py_NoneStruct, NULL);
  PyObject *result = add && function ? PyObject_CallFunctionObjArgs(add, function, NULL) : NULL;
  PyObject *all[] = {module, add, function, result};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (all[i]) Py_DecRef(all[i]);
  }
  PyErr_Clear();
}
