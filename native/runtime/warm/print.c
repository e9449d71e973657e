// SPDX-License-Identifier: Apache-2.0
// What is in a module: whether a program has replaced something of it, or of its classes.
#include <stdlib.h>

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

static bool is_plain(PyObject *value) {
  const PyTypeObject *type = type_of(value);
  return value == &_Py_NoneStruct || value == &_Py_TrueStruct || value == &_Py_FalseStruct || type == &PyUnicode_Type ||
         type == &PyBytes_Type || type == &PyLong_Type || type == &PyFloat_Type || type == &PyTuple_Type ||
         type == &PyList_Type || type == &PyDict_Type;
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

/* Numbers and texts are the same when they are equal: a worker is told what it has already. */
static uint64_t identity_of(PyObject *value) {
  const PyTypeObject *type = type_of(value);
  bool is_equal = type == &PyUnicode_Type || type == &PyBytes_Type || type == &PyLong_Type || type == &PyFloat_Type;
  return is_equal ? (uint64_t)PyObject_Hash(value) : (uint64_t)(uintptr_t)value;
}

#define MIXING UINT64_C(0x9e3779b97f4a7c15)

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
  return key == names.dunder_annotations && type_of(value) == &PyDict_Type && PyDict_Size(value) == 0;
}

/* Of names that may change, whether they are code, and which; but for those that may become it. */
static bool course_next(struct course *course, PyObject *namespace, const uint64_t *may_change,
                        const uint64_t *may_be_code) {
  struct print *print = &course->print;
  PyObject *value;
  do {
    if (!namespace || !PyDict_Next(namespace, &course->at, &course->key, &value)) return false;
    course->seen++;
  } while (is_remembered(course->key, value));
  Py_ssize_t place = course->seen - 1;
  bool counts = !has_bit(may_change, place) || (!has_bit(may_be_code, place) && is_code(value));
  print->sum = (print->sum ^ (uint64_t)(uintptr_t)course->key) * MIXING;
  course->step.name = (uint8_t)(print->sum >> 56);
  print->sum = (print->sum ^ (counts ? identity_of(value) : 0) ^ print->sum >> 29) * MIXING;
  course->step.value = (uint8_t)(print->sum >> 56);
  print->names++;
  return true;
}

/* Of the first `most` names. */
static struct print print_of(PyObject *namespace, Py_ssize_t most, const uint64_t *may_change,
                             const uint64_t *may_be_code) {
  struct course course = {0};
  while (course.print.names < most && course_next(&course, namespace, may_change, may_be_code)) continue;
  course.print.version = entry_version_of(namespace);
  return course.print;
}

static struct print print_with_steps(PyObject *namespace, const uint64_t *may_change, const uint64_t *may_be_code,
                                     struct step **steps) {
  struct course course = {0};
  free(*steps);
  *steps = namespace ? calloc((size_t)PyDict_Size(namespace) + 1, sizeof **steps) : NULL;
  while (course_next(&course, namespace, may_change, may_be_code)) {
    if (*steps) (*steps)[course.print.names - 1] = course.step;
  }
  course.print.version = entry_version_of(namespace);
  return course.print;
}

/* The first name that has another value, or was added; NULL: names have gone, or come in another order. */
static PyObject *first_changed(PyObject *namespace, const uint64_t *may_change, const uint64_t *may_be_code,
                               struct print known, const struct step *steps) {
  struct course course = {0};
  while (steps && course_next(&course, namespace, may_change, may_be_code)) {
    if (course.print.names > known.names) return course.key;
    struct step then = steps[course.print.names - 1];
    if (course.step.name != then.name) return NULL;
    if (course.step.value != then.value) return course.key;
  }
  return NULL;
}

/* ---- comparing ---- */

static bool is_like(struct print *known, PyObject *namespace, Py_ssize_t most, const uint64_t *may_change,
                    const uint64_t *may_be_code) {
  if (is_untouched(*known, namespace)) return true;
  struct print now = print_of(namespace, most, may_change, may_be_code);
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

/* A bit for each name of a namespace, in their order. */
static void find_changing(uint64_t **bits, PyObject *changing, PyObject *namespace) {
  PyObject *key, *value;
  Py_ssize_t at = 0, count = 0, most = 0;
  /* sys has what belongs to the process. */
  bool is_sys = namespace == importlib.sys_dict;
  free(*bits);
  *bits = NULL;
  if (!is_sys && PySet_Size(changing) == 0) return;
  while (PyDict_Next(namespace, &at, &key, &value)) most++;
  for (at = 0; PyDict_Next(namespace, &at, &key, &value); count++) {
    if (PySet_Contains(changing, key) != 1 && !(is_sys && is_plain(value))) continue;
    if (!*bits) *bits = calloc((size_t)most / BITS + 1, sizeof **bits);
    if (*bits) (*bits)[count / BITS] |= UINT64_C(1) << count % BITS;
  }
}

/* What was added behind is part of it from now on. */
static bool is_taken(struct print known, PyObject *namespace) {
  return is_untouched(known, namespace) && known.names == PyDict_Size(namespace);
}

void print_take(struct entry *entry) {
  PyObject *namespace = entry_namespace(entry);
  if (!is_taken(entry->print, namespace)) {
    if (namespace) {
      find_changing(&entry->may_change, entry->changing, namespace);
      find_filled(&entry->may_be_code, entry->filled, namespace);
    }
    entry->print = print_with_steps(namespace, entry->may_change, entry->may_be_code, &entry->steps);
  }
  for (size_t i = 0; i < entry->space_count; i++) {
    struct space *space = &shadow.spaces[entry->spaces[i]];
    if (is_taken(space->print, space->namespace)) continue;
    find_changing(&space->may_change, space->changing, space->namespace);
    space->print = print_with_steps(space->namespace, space->may_change, NULL, &space->steps);
  }
}

/* Whether somebody has put something else in the place of what a module had. Names that are added to a module come behind;
 * those that are added to a class may stand before what it inherits. */
bool print_is_changed(struct entry *entry) {
  PyObject *namespace = entry_namespace(entry);
  if (!is_like(&entry->print, namespace, entry->print.names, entry->may_change, entry->may_be_code)) {
    shadow.about = keep(first_changed(namespace, entry->may_change, entry->may_be_code, entry->print, entry->steps));
    return true;
  }
  for (size_t i = 0; i < entry->space_count; i++) {
    struct space *space = &shadow.spaces[entry->spaces[i]];
    if (space->checked == shadow.walk) continue;
    if (!is_like(&space->print, space->namespace, INTPTR_MAX, space->may_change, NULL)) {
      shadow.about = keep(first_changed(space->namespace, space->may_change, NULL, space->print, space->steps));
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
