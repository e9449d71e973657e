// SPDX-License-Identifier: Apache-2.0
// The collector stays enabled, with a threshold that an import hardly reaches: gc.isenabled,
// gc.disable and gc.enable mean what they always mean, a program that sets thresholds of its
// own wins, and a module body that never ends (a server started by an import) still gets its
// cycles collected.
#include "collector.h"

#include <stdlib.h>
#include <string.h>

#include "../../cpython/pending.h"
#include "importlib.h"

/* Unlikely to be chosen by a program, so that its own choice is told from ours. */
#define HELD_THRESHOLD 100003l
/* Young objects from which a nested import makes room, so that HELD_THRESHOLD is not met. */
#define MANY_YOUNG 50000l

static struct {
  PyObject *get_threshold, *set_threshold, *get_count, *is_enabled, *get_freeze_count, *freeze, *unfreeze;
  PyObject *held_threshold;
  PyObject *own; /* the application's thresholds while they are replaced */
  bool promotes; /* see collector_start */
  long frozen;   /* objects that the interpreter itself has frozen at its start (3.12) */
  unsigned long depth;
  bool works;
} collector;

static PyObject *call(PyObject *function) { return PyObject_CallFunctionObjArgs(function, NULL); }

/* The first number of the tuple that a function returns; -1 when there is none. */
static long first_of(PyObject *function) {
  PyObject *tuple = call(function);
  PyObject *item = tuple ? PyTuple_GetItem(tuple, 0) : NULL;
  long value = item ? PyLong_AsLong(item) : -1;
  drop(tuple);
  return value;
}

/* Stands as gc.get_threshold: a program that builds upon its thresholds sees its own. */
static PyObject *get_threshold(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  PyObject *now = call(collector.get_threshold);
  if (!now || !collector.own || PyLong_AsLong(PyTuple_GetItem(now, 0)) != HELD_THRESHOLD) return now;
  Py_DecRef(now);
  return keep(collector.own);
}

static bool set_thresholds(PyObject *youngest, PyObject *others) {
  PyObject *result = PyObject_CallFunctionObjArgs(collector.set_threshold, youngest, PyTuple_GetItem(others, 1),
                                                  PyTuple_GetItem(others, 2), NULL);
  drop(result);
  return result != NULL;
}

static long frozen_objects(void) {
  PyObject *count = call(collector.get_freeze_count);
  long value = count ? PyLong_AsLong(count) : -1;
  drop(count);
  return value;
}

/* Moves all objects to the oldest generation without looking at them. What the application
 * has frozen itself must stay frozen. */
static void promote(void) {
  if (!collector.promotes) return;
  long frozen = frozen_objects();
  if (frozen < 0 || frozen > collector.frozen) return;
  drop(call(collector.freeze));
  drop(call(collector.unfreeze));
  collector.frozen = 0;
}

static void replace_thresholds(void) {
  PyObject *enabled = call(collector.is_enabled);
  if (enabled == importlib.true_object) {
    PyObject *own = call(collector.get_threshold);
    long youngest = own ? PyLong_AsLong(PyTuple_GetItem(own, 0)) : 0;
    if (youngest > 0 && youngest < HELD_THRESHOLD && set_thresholds(collector.held_threshold, own)) {
      collector.own = own;
    } else {
      drop(own);
    }
  }
  drop(enabled);
}

static void restore_thresholds(void) {
  PyObject *own = collector.own;
  collector.own = NULL;
  if (first_of(collector.get_threshold) == HELD_THRESHOLD) {
    PyObject *youngest = PyTuple_GetItem(own, 0);
    if (first_of(collector.get_count) > PyLong_AsLong(youngest)) promote();
    set_thresholds(youngest, own);
  }
  Py_DecRef(own);
}

void collector_start(bool promotes) {
  const char *mode = getenv("PYCDS_GC");
  if (mode && strcmp(mode, "off") == 0) return;
  PyObject *gc = PyImport_ImportModule("gc");
  const struct {
    PyObject **to;
    const char *name;
  } functions[] = {
      {&collector.get_threshold, "get_threshold"},
      {&collector.set_threshold, "set_threshold"},
      {&collector.get_count, "get_count"},
      {&collector.is_enabled, "isenabled"},
      {&collector.freeze, "freeze"},
      {&collector.unfreeze, "unfreeze"},
      {&collector.get_freeze_count, "get_freeze_count"},
  };
  collector.held_threshold = PyLong_FromLong(HELD_THRESHOLD);
  collector.works = gc && collector.held_threshold;
  for (size_t i = 0; collector.works && i < sizeof functions / sizeof *functions; i++) {
    *functions[i].to = PyObject_GetAttrString(gc, functions[i].name);
    collector.works = *functions[i].to != NULL;
  }
  static PyMethodDef method = {"get_threshold", get_threshold, METH_NOARGS,
                               "Return the current collection thresholds."};
  PyObject *function = collector.works ? PyCFunction_NewEx(&method, gc, NULL) : NULL;
  if (!function || PyObject_SetAttrString(gc, "get_threshold", function) != 0) collector.works = false;
  collector.promotes = promotes;
  if (collector.works && promotes) collector.frozen = frozen_objects();
  drop(function);
  drop(gc);
  PyErr_Clear();
}

void collector_hold(void) {
  if (!collector.works) return;
  if (collector.depth++ == 0)
    replace_thresholds();
  else if (collector.own && first_of(collector.get_count) > MANY_YOUNG)
    promote();
  PyErr_Clear();
}

void collector_release(void) {
  if (!collector.works || --collector.depth > 0 || !collector.own) return;
  struct pending pending = pending_take();
  restore_thresholds();
  pending_restore(pending);
}
