// SPDX-License-Identifier: Apache-2.0
#include "handed.h"

#include "report.h"

/* Code nearly always runs next. What has not run when so much other code was given out is not counted. */
enum { WAITING = 64 };

static struct {
  bool told;
  unsigned next, count;
  struct {
    PyObject *code; /* NULL: none waits here */
    PyObject *name;
    enum pycds_miss miss;
  } waiting[WAITING];
  PyObject *reason_name;
  enum pycds_miss reason;
} handed;

static void count(PyObject *name, enum pycds_miss miss) {
  const char *text = report_wanted() ? PyUnicode_AsUTF8AndSize(name, NULL) : NULL;
  if (miss == PYCDS_SERVED)
    report_read(report.log ? text : NULL);
  else if (text)
    report_missed(text, miss);
  PyErr_Clear();
}

static void forget(unsigned place) {
  PyObject *code = handed.waiting[place].code, *name = handed.waiting[place].name;
  if (!code) return;
  handed.waiting[place].code = handed.waiting[place].name = NULL;
  handed.count--;
  Py_DecRef(code);
  Py_DecRef(name);
}

void handed_start(bool told) { handed.told = told; }

void handed_note(PyObject *code, PyObject *name, enum pycds_miss miss) {
  if (!handed.told) {
    count(name, miss);
    return;
  }
  unsigned place = handed.next++ % WAITING;
  forget(place);
  handed.waiting[place].code = keep(code);
  handed.waiting[place].name = keep(name);
  handed.waiting[place].miss = miss;
  handed.count++;
}

bool handed_runs(PyObject *code) {
  if (handed.count == 0) return false;
  for (unsigned i = 1; i <= WAITING; i++) {
    unsigned place = (handed.next - i) % WAITING;
    if (handed.waiting[place].code != code) continue;
    enum pycds_miss miss = handed.waiting[place].miss;
    count(handed.waiting[place].name, miss);
    forget(place);
    return miss == PYCDS_SERVED;
  }
  return false;
}

void handed_note_reason(PyObject *name, enum pycds_miss miss) {
  PyObject *before = handed.reason_name;
  handed.reason_name = keep(name);
  handed.reason = miss;
  drop(before);
}

enum pycds_miss handed_reason(PyObject *name, enum pycds_miss otherwise) {
  bool same = handed.reason_name && PyUnicode_Compare(handed.reason_name, name) == 0;
  return same ? handed.reason : otherwise;
}
