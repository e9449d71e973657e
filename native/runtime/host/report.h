// SPDX-License-Identifier: Apache-2.0
// What the runtime tells people: PYCDS=report's summary and PYCDS_LOG's lines on stderr.
#ifndef PYCDS_RUNTIME_REPORT_H
#define PYCDS_RUNTIME_REPORT_H

#include <stdbool.h>

#include "../../cpython/pyapi.h"
#include "../../format/reject.h"
#include "../../snapshot/reject.h"

enum report_cache { REPORT_REGEX, REPORT_SOURCE, REPORT_CACHES };

struct report {
  bool summary; /* PYCDS=report */
  bool log;     /* PYCDS_LOG is set: a line per module */
  const char *path;
  enum pycds_reject reject;
  const char *snapshot; /* NULL: none was to be used */
  enum snapshot_reject snapshot_reject;
  const char *snapshot_about;        /* the variable or path that it was refused for; NULL: for none */
  double thawed;                     /* milliseconds */
  bool at_once;                      /* no Python was started before the snapshot */
  unsigned long served, read;        /* `read`: those of the served for which get_code was asked */
  unsigned long learned;             /* those of the served that an earlier start has learned */
  unsigned long ready, unready, put; /* import statements, and the modules that they put in place */
  unsigned long missed[PYCDS_MISS_COUNT];
  unsigned long cached[REPORT_CACHES], uncached[REPORT_CACHES];
  double milliseconds; /* spent in the runtime; only measured for a report */
  char *names;         /* "name (CODE)" of the first misses, separated by ", " */
  unsigned long named;
  /* Gives the code and the sentence of what is learned; false: nothing was asked for. */
  bool (*learning)(const char **code, const char **sentence);
  bool beside; /* what was learned is in use beside the archive of the image */
};

extern struct report report;

bool report_wanted(void);
double report_clock(void);            /* milliseconds, monotonic */
void report_served(const char *name); /* the name is only needed for the log */
void report_read(const char *name);   /* the same of one for which get_code was asked */
void report_missed(const char *name, enum pycds_miss miss);
/* Modules of a snapshot that a program has asked for: served, or not what it would have found. */
void report_put(void); /* one module */
void report_ready(PyObject *name);
/* `because`: the module that does not fit; `about`: what of it, NULL where that is not known. */
void report_unready(PyObject *name, PyObject *because, const char *reason, PyObject *about);
/* A question to a cache: answered from the archive, or not. */
void report_cached(enum report_cache cache, bool served);
void report_rejected(enum pycds_reject reject);
/* What this process was made of, and in how many milliseconds; or why not, with the variable or path that is the cause. */
void report_snapshot(const char *path, enum snapshot_reject reject, const char *about, double milliseconds);
/* Says on stderr why PYCDS=require cannot be met. */
void report_unmet(void);
/* Prints the summary when the interpreter exits. */
void report_at_exit(void);

#endif
