// SPDX-License-Identifier: Apache-2.0
// What is young when a module of the archive begins or ends moves to the oldest generation, without being looked
// at: the count that starts a collection is back at 0, and most bodies end before it is reached. No setting of the
// collector is touched, so there is nothing to put back: not in a child that was forked meanwhile, not by a thread
// or greenlet that never comes back, not after a body that runs a server. An archived module runs once in a
// process, and the records of a start that learns have an end, so that a program cannot keep its collector from working by
// importing.
#include "collector.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../../cpython/pending.h"
#include "importlib.h"

/* The collector of these looks at all objects when it freezes them. */
#define INCREMENTAL_FROM 0x030e0000l
#define INCREMENTAL_UNTIL 0x030e0500l
/* Fewer young objects than this are left: they are soon looked at, should it come to that. */
#define FEW_YOUNG 100l

static struct {
  PyObject *get_count, *is_enabled, *get_freeze_count, *freeze, *unfreeze;
  long frozen; /* objects that the interpreter itself has frozen at its start (3.12) */
  bool works;
} collector;

static PyObject *call(PyObject *function) { return PyObject_CallFunctionObjArgs(function, NULL); }

/* -1 when there is none. */
static long number_of_young(void) {
  PyObject *counts = call(collector.get_count);
  PyObject *item = counts ? PyTuple_GetItem(counts, 0) : NULL;
  long value = item ? PyLong_AsLong(item) : -1;
  drop(counts);
  return value;
}

static bool is_enabled(void) {
  PyObject *enabled = call(collector.is_enabled);
  drop(enabled);
  return enabled == importlib.true_object;
}

static long frozen_objects(void) {
  PyObject *count = call(collector.get_freeze_count);
  long value = count ? PyLong_AsLong(count) : -1;
  drop(count);
  return value;
}

static void age(void) {
  if (number_of_young() < FEW_YOUNG || !is_enabled()) return;
  long frozen = frozen_objects();
  /* What the application has frozen must stay frozen. Counting it costs time, so it is not asked again. */
  if (frozen < 0 || frozen > collector.frozen) {
    collector.works = false;
    return;
  }
  drop(call(collector.freeze));
  drop(call(collector.unfreeze));
  collector.frozen = 0;
}

static bool is_incremental(void) {
  PyObject *version = PySys_GetObject("hexversion");
  long number = version ? PyLong_AsLong(version) : INCREMENTAL_FROM;
  return number >= INCREMENTAL_FROM && number < INCREMENTAL_UNTIL;
}

void collector_start(bool ages) {
  const char *mode = getenv("PYCDS_GC");
  if (!ages || (mode && strcmp(mode, "off") == 0) || is_incremental()) return;
  PyObject *gc = PyImport_ImportModule("gc");
  const struct {
    PyObject **to;
    const char *name;
  } functions[] = {
      {&collector.get_count, "get_count"},
      {&collector.is_enabled, "isenabled"},
      {&collector.freeze, "freeze"},
      {&collector.unfreeze, "unfreeze"},
      {&collector.get_freeze_count, "get_freeze_count"},
  };
  collector.works = gc != NULL;
  for (size_t i = 0; collector.works && i < sizeof functions / sizeof *functions; i++) {
    *functions[i].to = PyObject_GetAttrString(gc, functions[i].name);
    collector.works = *functions[i].to != NULL;
  }
  if (collector.works) collector.frozen = frozen_objects();
  drop(gc);
  PyErr_Clear();
}

void collector_age(void) {
  if (!collector.works) return;
  struct pending pending = pending_take();
  age();
  pending_restore(pending);
}
