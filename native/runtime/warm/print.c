// SPDX-License-Identifier: Apache-2.0
// What is in a module: whether a program has replaced something of it, or of its classes.
#include <stdlib.h>
#include <string.h>

#include "entries.h"

PYCDS_PYAPI Py_ssize_t PyObject_Hash(PyObject *);
PYCDS_PYAPI Py_ssize_t PySet_Size(PyObject *);

/* Include/object.h */
#define IS_CLASS (1UL << 31)

static bool is_code(PyObject *value) {
  PyTypeObject *type = type_of(value);
  return type == &PyFunction_Type || type == &PyCFunction_Type || type == &PyModule_Type ||
         (PyType_GetFlags(type) & IS_CLASS) != 0;
}

static bool is_container(PyObject *value) {
  const PyTypeObject *type = type_of(value);
  return type == &PyTuple_Type || type == &PyList_Type || type == &PyDict_Type;
}

PyObject *entry_namespace(const struct entry *entry) {
  if (entry_is_main(entry)) return NULL;
  bool has_one = entry->module && PyType_IsSubtype(type_of(entry->module), &PyModule_Type);
  return has_one ? PyModule_GetDict(entry->module) : NULL;
}

/* ---- what has not been changed at all ---- */

/* Nearly all namespaces are never touched again, and to look at what they have takes a hundred times as long. */
static bool is_untouched(struct print known, PyObject *namespace) {
  return known.version != 0 && known.version == entry_version_of(namespace);
}

/* By what such a number is seen to do. */
void print_start(void) {
  static const char *const keys[] = {"a", "a", "b", "a"};
  PyObject *values[] = {&_Py_NoneStruct, &_Py_TrueStruct, &_Py_NoneStruct, NULL};
  PyObject *dict = PyDict_New();
  uint64_t before = dict ? dict_version(dict) : 0;
  shadow.versioned = before != 0;
  for (int i = 0; shadow.versioned && i < 4; i++) {
    bool done =
        values[i] ? PyDict_SetItemString(dict, keys[i], values[i]) == 0 : PyDict_DelItemString(dict, keys[i]) == 0;
    PyObject *value = done ? PyDict_GetItemString(dict, "b") : NULL;
    uint64_t after = dict_version(dict);
    shadow.versioned = done && after > before && (i < 2) == (value == NULL) && after == dict_version(dict);
    before = after;
  }
  drop(dict);
}

/* ---- what is there ---- */

#define BITS 64

static bool has_bit(const uint64_t *bits, Py_ssize_t at) { return bits && (bits[at / BITS] >> at % BITS & 1) != 0; }

#define MIXING UINT64_C(0x9e3779b97f4a7c15)

static uint64_t mix(uint64_t sum, uint64_t value) { return (sum ^ value ^ sum >> 29) * MIXING; }

/* Of a text or a number what no other one of any type has; false: it is none, or too large. hash() is the same for -1 and -2, 1
 * and 1.0, "a" and b"a". */
static bool scalar_value(PyObject *value, uint64_t *result) {
  const PyTypeObject *type = type_of(value);
  uint64_t of_type = (uint64_t)(uintptr_t)type;
  if (type == &PyUnicode_Type || type == &PyBytes_Type) {
    *result = mix(of_type, (uint64_t)PyObject_Hash(value));
    return true;
  }
  if (type == &PyFloat_Type) {
    double number = PyFloat_AsDouble(value);
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    *result = mix(of_type, bits);
    return true;
  }
  if (type != &PyLong_Type) return false;
  long long number = PyLong_AsLongLong(value);
  if (number == -1 && PyErr_Occurred()) {
    PyErr_Clear();
    return false;
  }
  *result = mix(of_type, (uint64_t)number);
  return true;
}

/* Numbers, texts and tuples of them are the same when they are equal and of one type: a worker is told what it has already, and
 * time.tzset() sets time.tzname anew for each program of Django. */
static uint64_t identity_of(PyObject *value) {
  uint64_t result, one;
  if (scalar_value(value, &result)) return result;
  if (type_of(value) != &PyTuple_Type) return (uint64_t)(uintptr_t)value;
  result = mix((uint64_t)(uintptr_t)&PyTuple_Type, (uint64_t)PyTuple_Size(value));
  for (Py_ssize_t i = 0; i < PyTuple_Size(value); i++) {
    if (!scalar_value(PyTuple_GetItem(value, i), &one)) return (uint64_t)(uintptr_t)value;
    result = mix(result, one);
  }
  return result;
}

/* What is taken of a namespace. */
struct view {
  PyObject *namespace;
  const uint64_t *may_change, *may_be_code; /* NULL: nothing */
  PyObject *filled;                         /* of a class, as a space has it; or NULL */
};

/* For what a class says it is of: the same before that is filled in and behind it. CPython 3.13 forgets its first line with
 * that, so one that has none before, or one behind it, is neither. */
static PyObject *filled_either_way(const struct view *view, PyObject *says) {
  PyObject *line = PyDict_GetItemString(view->namespace, "__firstlineno__");
  PyObject *then = PyTuple_GetItem(view->filled, FILLED_LINE);
  PyObject *before = PyTuple_GetItem(view->filled, FILLED_BEFORE);
  bool is_before = identity_of(says) == identity_of(before);
  if (!is_before && identity_of(says) != identity_of(PyTuple_GetItem(view->filled, FILLED_AFTER))) return says;
  bool has_line = line && identity_of(line) == identity_of(then);
  bool is_one = is_before && then != &_Py_NoneStruct ? has_line : !line;
  return is_one ? before : view->filled;
}

/* What has been taken of a namespace up to a name. */
struct course {
  struct print print;
  Py_ssize_t at, seen;
  PyObject *key;
  struct step step;
};

/* What the interpreter and its library remember in a class that is only used: copyreg the names of its slots, to pickle its
 * objects, and CPython that it has no annotations, or from 3.14 which. */
static bool is_remembered(PyObject *key, PyObject *value) {
  if (key == names.dunder_slotnames || key == names.annotations_cache) return true;
  /* CPython 3.11 has a text of its own for the name. */
  return type_of(value) == &PyDict_Type && PyDict_Size(value) == 0 &&
         (key == names.dunder_annotations || entry_is_named(key, "__annotations__"));
}

/* Of names that may change, whether they are code, and which; but for those that may become it. */
static bool course_next(struct course *course, const struct view *view) {
  struct print *print = &course->print;
  PyObject *value;
  do {
    if (!view->namespace || !PyDict_Next(view->namespace, &course->at, &course->key, &value)) return false;
    course->seen++;
  } while (is_remembered(course->key, value) || (view->filled && entry_is_named(course->key, "__firstlineno__")));
  Py_ssize_t place = course->seen - 1;
  bool counts = !has_bit(view->may_change, place) || (!has_bit(view->may_be_code, place) && is_code(value));
  if (view->filled && entry_is_named(course->key, "__module__")) value = filled_either_way(view, value);
  print->sum = (print->sum ^ (uint64_t)(uintptr_t)course->key) * MIXING;
  course->step.name = (uint8_t)(print->sum >> 56);
  print->sum = mix(print->sum, counts ? identity_of(value) : 0);
  course->step.value = (uint8_t)(print->sum >> 56);
  print->names++;
  return true;
}

/* Of the first `most` names. */
static struct print print_of(const struct view *view, Py_ssize_t most) {
  struct course course = {0};
  while (course.print.names < most && course_next(&course, view)) continue;
  course.print.version = entry_version_of(view->namespace);
  return course.print;
}

static struct print print_with_steps(const struct view *view, struct step **steps) {
  struct course course = {0};
  free(*steps);
  *steps = view->namespace ? calloc((size_t)PyDict_Size(view->namespace) + 1, sizeof **steps) : NULL;
  while (course_next(&course, view)) {
    if (*steps) (*steps)[course.print.names - 1] = course.step;
  }
  course.print.version = entry_version_of(view->namespace);
  return course.print;
}

/* The first name that has another value, or was added; NULL: names have gone, or come in another order. */
static PyObject *first_changed(const struct view *view, struct print known, const struct step *steps) {
  struct course course = {0};
  while (steps && course_next(&course, view)) {
    if (course.print.names > known.names) return course.key;
    struct step then = steps[course.print.names - 1];
    if (course.step.name != then.name) return NULL;
    if (course.step.value != then.value) return course.key;
  }
  return NULL;
}

/* ---- comparing ---- */

static bool is_like(struct print *known, const struct view *view, Py_ssize_t most) {
  if (is_untouched(*known, view->namespace)) return true;
  struct print now = print_of(view, most);
  if (now.names != known->names || now.sum != known->sum) return false;
  known->version = now.version;
  return true;
}

/* Of the names of a module that are None by now: what is put there is a matter of those alone who have looked (kept.py). */
static void find_filled(uint64_t **bits, PyObject *filled, PyObject *namespace) {
  PyObject *key, *value;
  Py_ssize_t at = 0, count = 0;
  free(*bits);
  *bits = NULL;
  if (PySet_Size(filled) <= 0) return;
  *bits = calloc((size_t)PyDict_Size(namespace) / BITS + 1, sizeof **bits);
  for (; *bits && PyDict_Next(namespace, &at, &key, &value); count++) {
    if (value == &_Py_NoneStruct && PySet_Contains(filled, key) == 1)
      (*bits)[count / BITS] |= UINT64_C(1) << count % BITS;
  }
}

/* A bit for each name of a namespace, in their order. Of a class that is filled in without its first line. */
static void find_changing(uint64_t **bits, PyObject *changing, PyObject *namespace, bool is_filled) {
  PyObject *key, *value;
  Py_ssize_t at = 0, count = 0, most = 0;
  /* sys has what belongs to the process: a worker that is spawned is given others. */
  bool is_sys = namespace == importlib.sys_dict;
  free(*bits);
  *bits = NULL;
  if (!is_sys && PySet_Size(changing) == 0) return;
  while (PyDict_Next(namespace, &at, &key, &value)) most++;
  for (at = 0; PyDict_Next(namespace, &at, &key, &value); count++) {
    if (is_filled && entry_is_named(key, "__firstlineno__")) {
      count--;
      continue;
    }
    if (PySet_Contains(changing, key) != 1 && !(is_sys && is_container(value))) continue;
    if (!*bits) *bits = calloc((size_t)most / BITS + 1, sizeof **bits);
    if (*bits) (*bits)[count / BITS] |= UINT64_C(1) << count % BITS;
  }
}

static struct view view_of_entry(const struct entry *entry, PyObject *namespace) {
  return (struct view){namespace, entry->may_change, entry->may_be_code, NULL};
}

static struct view view_of_space(const struct space *space) {
  PyObject *filled = space->filled == &_Py_NoneStruct ? NULL : space->filled;
  return (struct view){space->namespace, space->may_change, NULL, filled};
}

/* What was added behind is part of it from now on. */
static bool is_taken(struct print known, PyObject *namespace) {
  return is_untouched(known, namespace) && known.names == PyDict_Size(namespace);
}

void print_take(struct entry *entry) {
  PyObject *namespace = entry_namespace(entry);
  if (!is_taken(entry->print, namespace)) {
    if (namespace) {
      find_changing(&entry->may_change, entry->changing, namespace, false);
      find_filled(&entry->may_be_code, entry->filled, namespace);
    }
    struct view view = view_of_entry(entry, namespace);
    entry->print = print_with_steps(&view, &entry->steps);
  }
  for (size_t i = 0; i < entry->space_count; i++) {
    struct space *space = &shadow.spaces[entry->spaces[i]];
    if (is_taken(space->print, space->namespace)) continue;
    find_changing(&space->may_change, space->changing, space->namespace, space->filled != &_Py_NoneStruct);
    struct view view = view_of_space(space);
    space->print = print_with_steps(&view, &space->steps);
  }
}

/* Whether somebody has put something else in the place of what a module had. Names that are added to a module come behind;
 * those that are added to a class may stand before what it inherits. */
bool print_is_changed(struct entry *entry) {
  PyObject *namespace = entry_namespace(entry);
  struct view own = view_of_entry(entry, namespace);
  if (!is_like(&entry->print, &own, entry->print.names)) {
    shadow.about = keep(first_changed(&own, entry->print, entry->steps));
    return true;
  }
  for (size_t i = 0; i < entry->space_count; i++) {
    struct space *space = &shadow.spaces[entry->spaces[i]];
    if (space->checked == shadow.walk) continue;
    struct view view = view_of_space(space);
    if (!is_like(&space->print, &view, INTPTR_MAX)) {
      shadow.about = keep(first_changed(&view, space->print, space->steps));
      return true;
    }
    space->checked = shadow.walk;
  }
  return false;
}

bool print_has_other_builtins(void) {
  struct entry *builtins = shadow.builtins;
  return builtins && (PyDict_Size(importlib.builtins_dict) != builtins->print.names || print_is_changed(builtins));
}
