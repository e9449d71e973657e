// SPDX-License-Identifier: Apache-2.0
// Everything here runs under the GIL, which is released only while Python code runs.
#include "locks.h"

#include <stdlib.h>

#include "../../cpython/pending.h"
#include "../../format/assert.h"

/* On the heap and in a list that is left in any order: greenlets move the C stack about. */
struct in_flight {
  struct in_flight *next, *previous;
  struct text text; /* lives as long as the name */
  PyObject *name;
  PyObject *lock; /* a _ModuleLock that the importer holds, once somebody has asked for it */
  unsigned long owner;
  uint32_t record;
};

static struct in_flight *first;
static PyObject *stock_get_module_lock;

/* As importlib sees it: gevent puts a function of its own in the place of get_ident. */
static unsigned long current_owner(void) {
  PyObject *get_ident = item_of(importlib.thread_dict, names.get_ident);
  if (!get_ident || get_ident == importlib.get_ident) return PyThread_get_thread_ident();
  PyObject *ident = PyObject_CallFunctionObjArgs(get_ident, NULL);
  unsigned long owner = ident ? PyLong_AsUnsignedLongMask(ident) : 0;
  drop(ident);
  PyErr_Clear();
  return owner;
}

static struct in_flight *find(struct text name) {
  struct in_flight *entry = first;
  while (entry && (entry->text.length != name.length || memcmp(entry->text.bytes, name.bytes, name.length) != 0)) {
    entry = entry->next;
  }
  return entry;
}

bool locks_mine(struct text name) {
  struct in_flight *entry = find(name);
  return entry && entry->owner == current_owner();
}

static void unlink_entry(struct in_flight *entry) {
  PYCDS_ASSERT(entry->previous ? entry->previous->next == entry : first == entry);
  PYCDS_ASSERT(!entry->next || entry->next->previous == entry);
  if (entry->previous)
    entry->previous->next = entry->next;
  else
    first = entry->next;
  if (entry->next) entry->next->previous = entry->previous;
}

static void release_entry(struct in_flight *entry) {
  unlink_entry(entry);
  drop(entry->lock);
  Py_DecRef(entry->name);
  free(entry);
}

struct in_flight *locks_enter(PyObject *name, const struct facts *facts) {
  for (const struct in_flight *other = first; other; other = other->next) {
    if (other->record == facts->number) return NULL;
  }
  Py_ssize_t length;
  const char *bytes = PyUnicode_AsUTF8AndSize(name, &length);
  struct in_flight *entry = bytes ? calloc(1, sizeof *entry) : NULL;
  if (!entry) return NULL;
  entry->text = (struct text){bytes, (size_t)length};
  entry->name = keep(name);
  entry->owner = current_owner();
  entry->record = facts->number;
  entry->next = first;
  if (first) first->previous = entry;
  first = entry;
  /* After the entry is there, so that a thread that is just getting the lock finds it. */
  if (PyDict_Contains(importlib.module_locks, name) == 0) return entry;
  PyErr_Clear();
  release_entry(entry);
  return NULL;
}

void locks_leave(struct in_flight *entry) {
  PyObject *lock = entry->lock;
  entry->lock = NULL;
  release_entry(entry);
  if (!lock) return;
  struct pending pending = pending_take();
  PyObject *result = PyObject_CallMethodObjArgs(lock, names.release, NULL);
  drop(result);
  Py_DecRef(lock);
  pending_restore(pending);
}

/* The state of a lock that its owner has acquired once: a number, since 3.12 a list. */
static bool hand_over(struct in_flight *entry, PyObject *lock) {
  PYCDS_ASSERT(!entry->lock);
  PyObject *count = PyObject_GetAttr(lock, names.count), *one = PyLong_FromLong(1);
  PyObject *owner = PyLong_FromUnsignedLong(entry->owner);
  bool done = count && one && owner && PyObject_SetAttr(lock, names.owner, owner) == 0;
  if (done && type_of(count) == &PyList_Type)
    done = PyList_Append(count, importlib.true_object) == 0;
  else if (done)
    done = PyObject_SetAttr(lock, names.count, one) == 0;
  drop(count);
  drop(one);
  drop(owner);
  if (done) entry->lock = keep(lock);
  return done;
}

/* Nobody can have acquired the lock of an entry before: whoever asks for it comes here. */
static PyObject *get_module_lock(PyObject *self, PyObject *name) {
  (void)self;
  PyObject *lock = PyObject_CallFunctionObjArgs(stock_get_module_lock, name, NULL);
  if (!lock || !first || type_of(name) != &PyUnicode_Type) return lock;
  Py_ssize_t length;
  const char *bytes = PyUnicode_AsUTF8AndSize(name, &length);
  if (!bytes) PyErr_Clear();
  struct in_flight *entry = bytes ? find((struct text){bytes, (size_t)length}) : NULL;
  if (!entry || entry->lock || hand_over(entry, lock)) return lock;
  Py_DecRef(lock);
  return NULL;
}

bool locks_install(void) {
  static PyMethodDef method = {"_get_module_lock", get_module_lock, METH_O,
                               "Get or create the module lock for a given module name."};
  stock_get_module_lock = item_of(importlib.bootstrap_dict, names.get_module_lock);
  PyObject *function = PyCFunction_NewEx(&method, &_Py_NoneStruct, NULL);
  if (stock_get_module_lock) Py_IncRef(stock_get_module_lock);
  bool done = stock_get_module_lock && function &&
              PyDict_SetItem(importlib.bootstrap_dict, names.get_module_lock, function) == 0;
  drop(function);
  return done;
}
