// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "shadow.h"

#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../decide/conditions.h"
#include "../host/report.h"
#include "anew.h"
#include "drawn.h"
#include "entries.h"
#include "located.h"

static const char *const sentences[] = {
    [FITS] = NULL,
#define UNREADY(code, sentence) [UNREADY_##code] = sentence,
#include "unready.def"
#undef UNREADY
};

/* Of a thread's keys in Rust's standard library. */
#define KEY_BYTES 16

bool shadow_is_there(void) { return shadow.entries != NULL; }

bool shadow_start(void) {
  if (!shadow.entries) return false;
  shadow.import = PyDict_GetItemString(importlib.builtins_dict, "__import__");
  shadow.thread = PyThread_get_thread_ident();
  if (shadow.import) {
    Py_IncRef(shadow.import);
    shadow.started = watched_start() && drop_start();
    /* Of what every process has, as it is before its program. */
    for (uint32_t i = 0; i < shadow.count; i++) {
      struct entry *entry = &shadow.entries[i];
      if (entry->kind != BASE) continue;
      print_take(entry);
      if (entry_is_named(entry->name, "__main__")) shadow.main = entry;
      if (entry_is_named(entry->name, "builtins")) shadow.builtins = entry;
    }
    for (uint32_t i = 0; i < shadow.count; i++) {
      if (entry_is_main(&shadow.entries[i])) drop(shadow.entries[i].module);
    }
  }
  return true;
}

/* ---- putting in place ---- */

/* Where the kernel has none they stay what they were. */
static void draw_keys(const struct entry *entry) {
  char drawn[KEY_BYTES];
  for (size_t i = 0; i < entry->key_count; i++) {
    if (syscall(SYS_getrandom, drawn, sizeof drawn, GRND_NONBLOCK) == KEY_BYTES)
      memcpy(entry->keys[i], drawn, sizeof drawn);
  }
}

static bool share(PyObject *share) {
  PyObject *module = PyTuple_GetItem(share, SHARE_MODULE), *pairs = PyTuple_GetItem(share, SHARE_PAIRS);
  PyObject *namespace = PyModule_GetDict(module);
  bool done = PyDict_SetItem(importlib.modules, PyTuple_GetItem(share, SHARE_NAME), module) == 0;
  for (Py_ssize_t i = 0; done && i < PyTuple_Size(pairs); i++) {
    PyObject *pair = PyTuple_GetItem(pairs, i);
    done = PyDict_SetItem(namespace, PyTuple_GetItem(pair, 0), PyTuple_GetItem(pair, 1)) == 0;
  }
  return done;
}

/* CPython forgets a dictionary of which it has taken the last item. */
static bool remember_derived(PyObject *payload) {
  PyObject **place = type_subclasses(PyTuple_GetItem(payload, DERIVED_BASE));
  if (!*place) *place = keep(PyTuple_GetItem(payload, BASE_SUBCLASSES));
  return PyDict_SetItem(*place, PyTuple_GetItem(payload, REFERENCE_KEY), PyTuple_GetItem(payload, REFERENCE)) == 0;
}

/* Only dictionaries are touched here: nobody can come in between. What has to be done besides is added to `effects`, and the names
 * of those that their packages get. */
static bool activate(struct entry *entry, PyObject *effects) {
  if (entry->state == ACTIVE || entry->kind == FAILED) return true;
  bool done = true;
  if (entry->kind == SET) return activate(&shadow.entries[entry->events[0].entry], effects);
  if (entry->parent != NOTHING) done = activate(&shadow.entries[entry->parent], effects);
  /* Its package may have asked for it. */
  if (!done || entry->state == ACTIVE) return done;
  entry->state = ACTIVE;
  struct loading own;
  located_begin(&own, entry->name);
  for (Py_ssize_t i = 0; done && i < entry->event_count; i++) {
    const struct event *event = &entry->events[i];
    struct entry *other = &shadow.entries[event->entry];
    if (event->what == ASKED) done = activate(other, effects);
    if (event->what == SHARE) done = share(event->payload);
    if (event->what == DRAWN) drawn_anew(event->payload, entry);
    if (event->what == DERIVED) done = remember_derived(event->payload);
    if (event->what == EFFECT) {
      struct entry *changed = check_changed_by(event->payload);
      (changed ? changed : entry)->touched = true;
      PyObject *effect = located_effect(event->payload);
      done = effect && PyList_Append(effects, effect) == 0;
      drop(effect);
    }
    if (event->what != PUT) continue;
    other->state = ACTIVE;
    other->touched = true;
    done = PyDict_SetItem(importlib.modules, other->name, other->module) == 0;
    report_put();
  }
  located_end(&own);
  if (!done || PyDict_SetItem(importlib.modules, entry->name, entry->module) != 0) return false;
  if (entry->global_count > 0) anew_join_global(entry->globals, entry->global_count);
  draw_keys(entry);
  report_put();
  return !entry->child || PyList_Append(effects, entry->name) == 0;
}

static void give_to_package(const struct entry *entry) {
  struct entry *parent = &shadow.entries[entry->parent];
  if (type_of(parent->module) != &PyModule_Type) {
    PyObject_SetAttr(parent->module, entry->child, entry->module);
    return;
  }
  PyObject *namespace = PyModule_GetDict(parent->module);
  /* Something else may have had the name. */
  parent->touched |= PyDict_Contains(namespace, entry->child) == 1;
  PyDict_SetItem(namespace, entry->child, entry->module);
}

/* In their order: names in a namespace have one. */
static void put_back(PyObject *effects) {
  for (Py_ssize_t i = 0; i < PyList_Size(effects); i++) {
    PyObject *effect = PyList_GetItem(effects, i);
    if (type_of(effect) == &PyUnicode_Type)
      give_to_package(&shadow.entries[entry_number(effect)]);
    else
      drop(PyObject_CallFunctionObjArgs(shadow.put, PyTuple_GetItem(effect, 0), PyTuple_GetItem(effect, 1),
                                        PyTuple_GetItem(effect, 2), NULL));
    PyErr_Clear();
  }
}

/* A module may have more than one name. */
static void take_prints_of_touched(void) {
  for (uint32_t i = 0; i < shadow.count; i++) {
    const struct entry *one = &shadow.entries[i];
    for (uint32_t j = 0; one->touched && j < shadow.count; j++)
      shadow.entries[j].touched |= shadow.entries[j].module == one->module;
  }
  for (uint32_t i = 0; i < shadow.count; i++) {
    struct entry *one = &shadow.entries[i];
    if (one->touched) print_take(one);
    one->touched = false;
  }
}

/* Whether sys.modules has all that are in place. */
static bool has_modules(void) {
  for (uint32_t i = 0; i < shadow.count; i++) {
    const struct entry *entry = &shadow.entries[i];
    if (entry->state == ACTIVE && item_of(importlib.modules, entry->name) != entry->module) return false;
  }
  return true;
}

/* Each of the walks comes by nearly all of them. */
static void look_at_modules(void) {
  if (entry_are_modules_known()) return;
  shadow.modules_version = entry_version_of(importlib.modules);
  if (shadow.modules_version && !has_modules()) shadow.modules_version = 0;
}

/* What the last one has taken for what it would have put in place is given up. */
static void tell_of_walk(void) {
  drop(PyObject_CallFunctionObjArgs(shadow.may, shadow.begin, &_Py_NoneStruct, &_Py_NoneStruct, NULL));
}

bool shadow_serve(PyObject *name, PyObject *finder, const struct pycds_header *header, PyObject **module) {
  if (!shadow.started) return false;
  uint32_t number = entry_number(name);
  if (number == NOTHING || shadow.entries[number].state != WAITING || shadow.entries[number].kind == FAILED)
    return false;
  if (watched_by_any() || PyThread_get_thread_ident() != shadow.thread) return false;
  struct entry *entry = &shadow.entries[number];
  struct walk walk = {finder, header, NULL};
  shadow.walk++;
  shadow.told++;
  shadow.other_builtins = print_has_other_builtins();
  tell_of_walk();
  look_at_modules();
  shadow.derived = NULL;
  shadow.derived_end = &shadow.derived;
  shadow.reason = FITS;
  shadow.about = NULL;
  conditions_remember(true);
  bool fits = check_entry(entry, &walk);
  conditions_remember(false);
  if (!fits) {
    tell_of_walk();
    drop_dependents();
    report_unready(name, shadow.unfit, sentences[shadow.reason], shadow.about);
    PyErr_Clear();
    return false;
  }
  PyObject *effects = PyList_New(0);
  bool done = effects && activate(entry, effects);
  if (done) {
    put_back(effects);
    take_prints_of_touched();
  }
  drop(effects);
  *module = item_of(importlib.modules, name);
  if (!done || !*module) return false;
  Py_IncRef(*module);
  report_ready(name);
  return true;
}
