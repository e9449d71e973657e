// SPDX-License-Identifier: Apache-2.0
// What does not fit is imported as ever, and whatever refers to it.
#include <stdlib.h>
#include <string.h>

#include "anew.h"
#include "entries.h"

static bool depends_on_dropped(const struct entry *entry) {
  if (entry->parent != NOTHING && shadow.entries[entry->parent].state == DROPPED) return true;
  if (shadow.entries[entry->first].state == DROPPED) return true;
  for (Py_ssize_t i = 0; i < entry->event_count; i++) {
    const struct event *event = &entry->events[i];
    bool goes_by = event->what == ASKED || event->what == HOLDS;
    if (goes_by && event->entry != NOTHING && shadow.entries[event->entry].state == DROPPED) return true;
  }
  return false;
}

/* Through libraries, the first of which to load has read what all of them go by. */
static bool shares_with_dropped(const struct entry *entry) {
  for (uint32_t i = 0; entry->library_count > 0 && i < shadow.count; i++) {
    const struct entry *other = &shadow.entries[i];
    if (other->state != DROPPED) continue;
    for (size_t j = 0; j < entry->library_count * other->library_count; j++) {
      const void *own = entry->libraries[j % entry->library_count];
      if (anew_needs(own, other->libraries[j / entry->library_count])) return true;
    }
  }
  return false;
}

static void load_anew(void) {
  size_t count = 0, at = 0;
  for (uint32_t i = 0; i < shadow.count; i++) count += shadow.entries[i].library_count;
  void **libraries = malloc((count + 1) * sizeof *libraries);
  for (uint32_t i = 0; libraries && i < shadow.count; i++) {
    struct entry *entry = &shadow.entries[i];
    if (entry->state != DROPPED || entry->anew) continue;
    entry->anew = true;
    for (size_t j = 0; j < entry->library_count; j++) libraries[at++] = entry->libraries[j];
    if (entry->kind == EXTENSION || entry->kind == BUILTIN) anew_module(entry->module, entry->kind == EXTENSION);
  }
  if (libraries) anew_libraries_again(libraries, at);
  free(libraries);
}

void drop_dependents(void) {
  for (bool more = true; more;) {
    more = false;
    for (uint32_t i = 0; i < shadow.count; i++) {
      struct entry *entry = &shadow.entries[i];
      if (entry->state != WAITING || !(depends_on_dropped(entry) || shares_with_dropped(entry))) continue;
      entry->state = DROPPED;
      more = true;
    }
  }
  load_anew();
}

/* An extension module may be loaded without any question here: while something watches, in another thread, by a loader
 * that a program has made. */
static PyObject *create_dynamic(PyObject *self, PyObject *args) {
  (void)self;
  PyObject *spec = PyTuple_Size(args) > 0 ? PyTuple_GetItem(args, 0) : NULL;
  PyObject *origin = spec ? PyObject_GetAttrString(spec, "origin") : NULL;
  Py_ssize_t length;
  const char *path =
      origin && PyType_IsSubtype(type_of(origin), &PyUnicode_Type) ? PyUnicode_AsUTF8AndSize(origin, &length) : NULL;
  PyErr_Clear();
  bool waiting = false;
  for (uint32_t i = 0; path && i < shadow.count; i++) {
    struct entry *entry = &shadow.entries[i];
    if (entry->kind != EXTENSION || entry->state != WAITING || strcmp(entry->facts.origin.bytes, path) != 0) continue;
    entry->state = DROPPED;
    waiting = true;
  }
  if (waiting) drop_dependents();
  drop(origin);
  return PyObject_Call(shadow.create_dynamic, args, NULL);
}

bool drop_start(void) {
  static PyMethodDef method = {"create_dynamic", create_dynamic, METH_VARARGS, NULL};
  static char doc[256];
  return watched_stand_in("_imp", &method, doc, sizeof doc, &shadow.create_dynamic);
}
