// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "probe.h"

#include <link.h>
#include <string.h>

#include "../../cpython/object.h"
#include "../freeze/freeze.h"
#include "failing.h"
#include "keys.h"
#include "watch.h"

/* Bytes of what pycds_watch_state tells. */
#define MOST_STATE 4096

static void add_kind(PyObject *list, const char *kind, PyObject *value) {
  PyObject *pair = PyTuple_New(2);
  PyTuple_SetItem(pair, 0, text_of(kind));
  PyTuple_SetItem(pair, 1, value);
  PyList_Append(list, pair);
  Py_DecRef(pair);
}

static const char *file_of(const struct link_map *map) {
  const char *slash = strrchr(map->l_name, '/');
  return slash ? slash + 1 : map->l_name;
}

static PyObject *tuple_of(PyObject *first, PyObject *second) {
  PyObject *pair = PyTuple_New(2);
  PyTuple_SetItem(pair, 0, first);
  PyTuple_SetItem(pair, 1, second);
  return pair;
}

static void add_asker(PyObject *list, const struct watch_asker *asker) {
  static const char *const kinds[] = {[WATCH_TIME] = "TIME",           [WATCH_PID] = "PID",
                                      [WATCH_HOST] = "HOST",           [WATCH_GENERATOR] = "GENERATOR",
                                      [WATCH_VARIABLES] = "VARIABLES", [WATCH_NUMBERS] = "NUMBERS"};
  PyObject *library = text_of(asker->library);
  if (asker->kind != WATCH_ENTROPY) {
    add_kind(list, kinds[asker->kind], library);
    return;
  }
  PyObject *drawn = PyTuple_New(3);
  PyTuple_SetItem(drawn, 0, library);
  PyTuple_SetItem(drawn, 1, PyLong_FromLong((long)asker->bytes));
  PyTuple_SetItem(drawn, 2, PyLong_FromLong((long)asker->times));
  add_kind(list, "DRAWN", drawn);
}

static void add_keys(PyObject *list, const struct watch_keys *keys) {
  size_t offset = keys_find(keys->map, keys->bytes);
  PyObject *map = PyLong_FromVoidPtr((void *)(uintptr_t)keys->map);
  if (offset == KEYS_NOWHERE) {
    drop(map);
    add_kind(list, "ENTROPY", text_of(file_of(keys->map)));
  } else
    add_kind(list, "KEYS", tuple_of(map, PyLong_FromLong((long)offset)));
}

PyObject *probe(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  PyObject *list = PyList_New(0);
  struct watch *watch = pycds_watch ? pycds_watch() : NULL;
  if (!watch) return list;
  PyObject *names = PyList_New(0);
  for (unsigned i = 0; i < watch->names && i < WATCH_NAMES; i++) {
    const char *text = watch->name[i].name;
    PyObject *name = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "surrogateescape");
    PyObject *pair = tuple_of(name, PyLong_FromVoidPtr((void *)(uintptr_t)watch->name[i].map));
    PyList_Append(names, pair);
    Py_DecRef(pair);
  }
  if (watch->names > WATCH_NAMES) {
    failing_give_streams_back();
    freeze_refuse("an import reads too many variables");
  }
  add_kind(list, "ENVIRONMENT", names);
  for (unsigned i = 0; i < watch->askers && i < WATCH_ASKERS; i++) add_asker(list, &watch->asker[i]);
  for (unsigned i = 0; i < watch->keys; i++) add_keys(list, &watch->key[i]);
  if (watch->askers > WATCH_ASKERS) add_kind(list, "ENTROPY", text_of(""));
  add_kind(list, "SEEDS", PyLong_FromLong(watch->seeds));
  add_kind(list, "FORK", PyLong_FromLong(watch->fork));
  add_kind(list, "PROCESSORS", PyLong_FromLong(watch->processors));
  add_kind(list, "TERMINALS", PyLong_FromLong(watch->terminals));
  add_kind(list, "INPUT", PyLong_FromLong(watch->input));
  add_kind(list, "ZONE", PyLong_FromLong(watch->zone));
  watch->askers = watch->keys = watch->names = watch->seeds = watch->fork = watch->processors = 0;
  watch->terminals = watch->input = watch->zone = 0;
  return list;
}

PyObject *probe_state(PyObject *self, PyObject *unused) {
  (void)self;
  (void)unused;
  static char lines[MOST_STATE];
  size_t bytes = pycds_watch_state ? pycds_watch_state(lines, sizeof lines) : 0;
  if (bytes >= sizeof lines) freeze_refuse("the state of the process is too long");
  return PyUnicode_FromStringAndSize(lines, (Py_ssize_t)bytes);
}
