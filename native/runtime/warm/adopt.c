// SPDX-License-Identifier: Apache-2.0
// Takes over what table.py has made.
#include <stdlib.h>
#include <string.h>

#include "../decide/conditions.h"
#include "entries.h"
#include "shadow.h"

struct shadow shadow;

enum field {
  NAME,
  MODULE,
  KIND,
  ORIGIN,
  ENTRY,
  BYTES,
  MTIME,
  PACKAGE,
  EVENTS,
  VARIABLES,
  FILES,
  FIRST,
  BIND,
  LIBRARIES,
  GLOBALS,
  KEYS,
  FIELDS
};

static const char *const kind_names[] = {"base",      "builtin", "frozen", "source", "extension",
                                         "namespace", "other",   "failed", "set"};
enum { KINDS = sizeof kind_names / sizeof *kind_names };
static const char *const what_names[] = {"ask",  "absent", "set",   "effect",  "condition", "seen",   "unseen", "names",
                                         "pool", "holds",  "share", "derives", "classes",   "listed", "drawn"};

/* The text is kept for ever, and nothing else of the tuple. */
static struct text text_in(PyObject *tuple, enum field field) {
  Py_ssize_t length = 0;
  const char *bytes = PyUnicode_AsUTF8AndSize(keep(PyTuple_GetItem(tuple, field)), &length);
  return (struct text){bytes, (size_t)length};
}

/* (list of those in front, list of those behind) */
static bool adopt_finders(PyObject *place, PyObject *payload) {
  if (!entry_is_named(PyTuple_GetItem(place, 1), "meta_path")) return true;
  PyObject *added = PyTuple_GetItem(payload, 1);
  bool done = added != NULL;
  for (Py_ssize_t i = 0; done && i < PyList_Size(added); i++)
    done = PyDict_SetItem(shadow.finders, PyList_GetItem(added, i), &_Py_NoneStruct) == 0;
  return done;
}

/* By the address of what table.py has given for several: the first event that was made of it. */
static PyObject *shared;

static bool adopt_shared(struct event *event, PyObject *from) {
  PyObject *address = PyLong_FromLongLong((intptr_t)from), *known = address ? item_of(shared, address) : NULL;
  bool done = address != NULL;
  if (known) {
    const struct event *first = (const struct event *)(intptr_t)PyLong_AsLongLong(known);
    event->payload = keep(first->payload);
    event->checked = first->checked;
  } else if (done) {
    PyObject *own = PyLong_FromLongLong((intptr_t)event);
    event->checked = calloc(1, sizeof *event->checked);
    done = event->checked && own && PyDict_SetItem(shared, address, own) == 0;
    drop(own);
  }
  drop(address);
  return done;
}

/* SHARED of table.py. */
static bool is_shared(PyObject *what) {
  return entry_is_named(what, "counter") || entry_is_named(what, "kept") || entry_is_named(what, "stream");
}

static bool adopt_event(struct event *event, PyObject *from) {
  PyObject *name_of_what = PyTuple_GetItem(from, 0);
  int what = 0;
  while (name_of_what && what < WHATS && !entry_is_named(name_of_what, what_names[what])) what++;
  if (!name_of_what || what == WHATS) return false;
  event->what = (enum what)what;
  if (what == EFFECT && entry_is_named(PyTuple_GetItem(from, 1), "list") &&
      !adopt_finders(PyTuple_GetItem(from, 2), PyTuple_GetItem(from, 3)))
    return false;
  if (what == EFFECT || what == CONDITION) {
    event->entry =
        entry_is_named(PyTuple_GetItem(from, 1), "warned") ? entry_number(PyTuple_GetItem(from, 2)) : NOTHING;
    event->of_walk = what == CONDITION && entry_is_named(PyTuple_GetItem(from, 1), "kept");
    if (what == CONDITION && is_shared(PyTuple_GetItem(from, 1)) && !adopt_shared(event, from)) return false;
    if (event->payload) return true;
    event->payload = PyTuple_New(3);
    for (Py_ssize_t i = 0; event->payload && i < 3; i++) {
      PyObject *part = PyTuple_GetItem(from, i + 1);
      if (!part || PyTuple_SetItem(event->payload, i, keep(part)) != 0) return false;
    }
    return event->payload != NULL;
  }
  PyObject *name = PyTuple_GetItem(from, 1);
  if (!name) return false;
  if (what == SHARE) {
    event->payload = keep(from);
    return PyTuple_Size(from) == SHARE_FIELDS &&
           PyType_IsSubtype(type_of(PyTuple_GetItem(from, SHARE_MODULE)), &PyModule_Type);
  }
  event->entry = entry_number(name);
  if (what == DERIVED) {
    event->flags = entry_flags_of_class(PyTuple_GetItem(from, DERIVED_BASE));
    event->version = type_version(PyTuple_GetItem(from, DERIVED_BASE));
  }
  if (what == DERIVED || what == CLASSES || what == LISTED || what == DRAWN) {
    event->payload = keep(from);
    return true;
  }
  event->payload = keep(name);
  return event->entry != NOTHING || (what != ASKED && what != PUT);
}

static bool adopt_events(struct entry *entry, PyObject *events) {
  Py_ssize_t count = PyTuple_Size(events);
  if (count < 0) return false;
  entry->events = calloc((size_t)count + 1, sizeof *entry->events);
  if (!entry->events) return false;
  for (Py_ssize_t i = 0; i < count; i++) {
    if (!adopt_event(&entry->events[i], PyTuple_GetItem(events, i))) return false;
  }
  entry->event_count = count;
  return true;
}

static bool adopt_names(struct entry *entry, uint32_t number, PyObject *from) {
  struct text name = entry->facts.name, last = text_after_dot(name);
  PyObject *first = PyTuple_GetItem(from, FIRST);
  entry->first = first == &_Py_NoneStruct ? number : entry_number(first);
  entry->parent = NOTHING;
  if (entry->first == NOTHING) return false;
  if (last.length == name.length) return true;
  PyObject *parent = PyUnicode_FromStringAndSize(name.bytes, last.bytes - name.bytes - 1);
  entry->parent = parent ? entry_number(parent) : NOTHING;
  drop(parent);
  if (PyObject_IsTrue(PyTuple_GetItem(from, BIND)) == 1) {
    entry->child = PyUnicode_FromStringAndSize(last.bytes, (Py_ssize_t)last.length);
    if (!entry->child) return false;
    PyUnicode_InternInPlace(&entry->child);
  }
  return entry->kind == BASE || entry->kind == SET || entry->parent != NOTHING;
}

static bool adopt_maps(void ***maps, size_t *map_count, PyObject *numbers) {
  Py_ssize_t count = PyTuple_Size(numbers);
  if (count < 0) return false;
  *maps = calloc((size_t)count + 1, sizeof **maps);
  if (!*maps) return false;
  for (Py_ssize_t i = 0; i < count; i++)
    (*maps)[i] = (void *)(uintptr_t)PyLong_AsUnsignedLongMask(PyTuple_GetItem(numbers, i));
  *map_count = (size_t)count;
  return true;
}

static bool adopt_entry(struct entry *entry, uint32_t number, PyObject *from) {
  entry->name = keep(PyTuple_GetItem(from, NAME));
  entry->module = keep(PyTuple_GetItem(from, MODULE));
  int kind = 0;
  while (kind < KINDS && !entry_is_named(PyTuple_GetItem(from, KIND), kind_names[kind])) kind++;
  if (kind == KINDS) return false;
  entry->kind = (enum kind)kind;
  entry->state = kind == BASE ? ACTIVE : WAITING;
  entry->facts = (struct facts){
      .number = number,
      .is_package = PyObject_IsTrue(PyTuple_GetItem(from, PACKAGE)) == 1,
      .name = text_in(from, NAME),
      .origin = text_in(from, ORIGIN),
      .entry = text_in(from, ENTRY),
      .source_size = (uint64_t)PyLong_AsLongLong(PyTuple_GetItem(from, BYTES)),
      .source_mtime = PyLong_AsLongLong(PyTuple_GetItem(from, MTIME)),
  };
  entry->variables = keep(PyTuple_GetItem(from, VARIABLES));
  entry->files = keep(PyTuple_GetItem(from, FILES));
  return entry->facts.name.bytes && entry->facts.origin.bytes && entry->facts.entry.bytes && !PyErr_Occurred() &&
         adopt_events(entry, PyTuple_GetItem(from, EVENTS)) &&
         adopt_maps(&entry->libraries, &entry->library_count, PyTuple_GetItem(from, LIBRARIES)) &&
         adopt_maps(&entry->globals, &entry->global_count, PyTuple_GetItem(from, GLOBALS)) &&
         adopt_maps(&entry->keys, &entry->key_count, PyTuple_GetItem(from, KEYS)) && adopt_names(entry, number, from);
}

static bool number_all(PyObject *table) {
  for (uint32_t i = 0; i < shadow.count; i++) {
    PyObject *from = PyList_GetItem(table, i), *number = PyLong_FromLong(i);
    bool done = from && type_of(from) == &PyTuple_Type && PyTuple_Size(from) == FIELDS && number &&
                PyDict_SetItem(shadow.numbers, PyTuple_GetItem(from, NAME), number) == 0;
    drop(number);
    if (!done) return false;
  }
  return true;
}

static bool adopt_prints(PyObject *prints) {
  PyObject *spaces = PyTuple_GetItem(prints, 0), *each = PyTuple_GetItem(prints, 1),
           *counting = PyTuple_GetItem(prints, 2);
  Py_ssize_t count = spaces ? PyList_Size(spaces) : -1;
  if (count < 0 || !each || PyList_Size(each) != (Py_ssize_t)shadow.count) return false;
  PyObject *filled = PyTuple_GetItem(prints, 3);
  if (!counting || PyList_Size(counting) != count || !filled || PyList_Size(filled) != count) return false;
  shadow.spaces = calloc((size_t)count + 1, sizeof *shadow.spaces);
  if (!shadow.spaces) return false;
  for (Py_ssize_t i = 0; i < count; i++) {
    shadow.spaces[i].namespace = keep(PyList_GetItem(spaces, i));
    shadow.spaces[i].changing = keep(PyList_GetItem(counting, i));
    shadow.spaces[i].filled = keep(PyList_GetItem(filled, i));
  }
  for (uint32_t i = 0; i < shadow.count; i++) {
    struct entry *entry = &shadow.entries[i];
    PyObject *pair = PyList_GetItem(each, i), *changing = PyTuple_GetItem(pair, 0), *own = PyTuple_GetItem(pair, 1);
    Py_ssize_t own_count = own ? PyTuple_Size(own) : -1;
    if (own_count < 0) return false;
    entry->changing = keep(changing);
    entry->filled = keep(PyTuple_GetItem(pair, 2));
    if (!entry->filled) return false;
    entry->spaces = calloc((size_t)own_count + 1, sizeof *entry->spaces);
    if (!entry->spaces) return false;
    for (Py_ssize_t j = 0; j < own_count; j++) entry->spaces[j] = (uint32_t)PyLong_AsLong(PyTuple_GetItem(own, j));
    entry->space_count = (size_t)own_count;
    print_take(entry);
  }
  return true;
}

bool shadow_adopt(PyObject *table, PyObject *prints, PyObject *key, PyObject *may, PyObject *put) {
  Py_ssize_t count = PyList_Size(table);
  if (shadow.entries || count <= 0) return false;
  shadow.entries = calloc((size_t)count, sizeof *shadow.entries);
  shadow.numbers = PyDict_New();
  shadow.finders = PyDict_New();
  shadow.count = (uint32_t)count;
  shadow.may = keep(may);
  shadow.put = keep(put);
  shadow.key = keep(key);
  conditions_list_frozen();
  shadow.begin = PyUnicode_FromStringAndSize("walk", 4);
  PyObject *imp = PyImport_ImportModule("_imp");
  shadow.hash = imp ? PyObject_GetAttrString(imp, "source_hash") : NULL;
  drop(imp);
  if (!shadow.hash || !shadow.begin) return false;
  shared = PyDict_New();
  bool done = shared && shadow.entries && shadow.numbers && shadow.finders && number_all(table);
  for (uint32_t i = 0; done && i < shadow.count; i++)
    done = adopt_entry(&shadow.entries[i], i, PyList_GetItem(table, i));
  drop(shared);
  shared = NULL;
  print_start();
  return done && adopt_prints(prints);
}
