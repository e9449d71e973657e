// SPDX-License-Identifier: Apache-2.0
// Whether a module would be what importing it gives: what its import found, read, asked and did, looked at again.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../../snapshot/listing.h"
#include "../decide/conditions.h"
#include "../decide/search.h"
#include "anew.h"
#include "entries.h"

/* In the place of a number of bytes: record.py. */
#define OF_NO_FILE (-1)
#define OF_NULL_DEVICE (-2)

static bool is_file(const char *path, long long bytes, long long mtime) {
  struct stat status;
  if (syscall(SYS_newfstatat, AT_FDCWD, path, &status, 0) != 0) return bytes == OF_NO_FILE;
  if (bytes == OF_NULL_DEVICE)
    return S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3) && (status.st_mode & 0666) == 0666;
  return S_ISREG(status.st_mode) && status.st_size == bytes && status.st_mtim.tv_sec == mtime;
}

static bool has_files(const struct entry *entry) {
  Py_ssize_t length;
  for (Py_ssize_t i = 0; i < PyTuple_Size(entry->files); i++) {
    PyObject *file = PyTuple_GetItem(entry->files, i);
    shadow.about = PyTuple_GetItem(file, 0);
    const char *path = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(file, 0), &length);
    if (!path ||
        !is_file(path, PyLong_AsLongLong(PyTuple_GetItem(file, 1)), PyLong_AsLongLong(PyTuple_GetItem(file, 2))))
      return false;
  }
  shadow.about = NULL;
  return true;
}

/* By a keyed hash: what the variable was then is nowhere. */
static bool is_hash_of(PyObject *hash, const char *text) {
  PyObject *bytes = PyBytes_FromStringAndSize(text, (Py_ssize_t)strlen(text));
  PyObject *own = bytes ? PyObject_CallFunctionObjArgs(shadow.hash, shadow.key, bytes, NULL) : NULL;
  char *here, *there;
  Py_ssize_t length, length_then;
  bool same = own && PyBytes_AsStringAndSize(own, &here, &length) == 0 &&
              PyBytes_AsStringAndSize(hash, &there, &length_then) == 0 && length == length_then &&
              memcmp(here, there, (size_t)length) == 0;
  drop(bytes);
  drop(own);
  return same;
}

static bool has_variables(const struct entry *entry) {
  Py_ssize_t length;
  for (Py_ssize_t i = 0; i < PyTuple_Size(entry->variables); i++) {
    PyObject *pair = PyTuple_GetItem(entry->variables, i), *then = PyTuple_GetItem(pair, 1);
    shadow.about = PyTuple_GetItem(pair, 0);
    const char *name = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(pair, 0), &length);
    const char *now = name ? getenv(name) : NULL;
    if (!name) return false;
    if (!now != (then == &_Py_NoneStruct)) return false;
    if (now && !is_hash_of(then, now)) return false;
  }
  shadow.about = NULL;
  return true;
}

static PyObject *path_of(struct text directory) {
  PyObject *path = PyList_New(0), *item = PyUnicode_FromStringAndSize(directory.bytes, (Py_ssize_t)directory.length);
  bool done = path && item && PyList_Append(path, item) == 0;
  drop(item);
  if (done) return path;
  drop(path);
  return NULL;
}

/* What is searched for a module: sys.path, or that of its package (a new reference, or NULL). */
static PyObject *search_path(uint32_t parent) {
  if (parent == NOTHING) {
    PyObject *path = item_of(importlib.sys_dict, names.path);
    return path ? keep(path) : NULL;
  }
  const struct entry *package = &shadow.entries[parent];
  if (entry_is_main(package)) return NULL;
  /* Its path would look for its own package in sys.modules. */
  if (package->kind == NAMESPACE) return path_of(package->facts.origin);
  PyObject *path = search_path_of(package->module);
  if (!path || type_of(path) == &PyList_Type) return path;
  PyObject *list = PySequence_List(path);
  drop(path);
  PyErr_Clear();
  return list;
}

static bool is_only_item(PyObject *path, struct text text) {
  Py_ssize_t length;
  const char *bytes = PyList_Size(path) == 1 ? PyUnicode_AsUTF8AndSize(PyList_GetItem(path, 0), &length) : NULL;
  return bytes && (size_t)length == text.length && memcmp(bytes, text.bytes, text.length) == 0;
}

/* Whether no other entry of a search path has something of that name, which a directory alone would be behind or beside. */
static bool is_only_place(PyObject *path, const struct facts *facts) {
  Py_ssize_t count = type_of(path) == &PyList_Type ? PyList_Size(path) : 0, length;
  PyObject *others = PyList_New(0);
  bool done = others != NULL;
  for (Py_ssize_t i = 0; done && i < count; i++) {
    PyObject *item = PyList_GetItem(path, i);
    const char *bytes = type_of(item) == &PyUnicode_Type ? PyUnicode_AsUTF8AndSize(item, &length) : NULL;
    bool is_own =
        bytes && (size_t)length == facts->entry.length && memcmp(bytes, facts->entry.bytes, (size_t)length) == 0;
    done = bytes && (is_own || PyList_Append(others, item) == 0);
  }
  bool only = done && PyList_Size(others) == count - 1 && conditions_find_nothing(others, facts);
  drop(others);
  return only;
}

static bool is_directory(const char *path) {
  struct stat status;
  return syscall(SYS_newfstatat, AT_FDCWD, path, &status, 0) == 0 && S_ISDIR(status.st_mode);
}

/* Finders behind the path finder: only those that modules of the template have put there. */
static bool are_known_behind(void) {
  PyObject *finders = item_of(importlib.sys_dict, names.meta_path);
  Py_ssize_t count = finders && type_of(finders) == &PyList_Type ? PyList_Size(finders) : 0;
  bool behind = false, known = count > 0;
  for (Py_ssize_t i = 0; known && i < count; i++) {
    PyObject *one = PyList_GetItem(finders, i);
    if (behind) known = PyDict_Contains(shadow.finders, one) == 1;
    behind |= one == importlib.path_finder;
  }
  return known && behind;
}

static bool is_found_along(const struct entry *entry, PyObject *path, const struct pycds_header *header) {
  if (entry->kind == OTHER) return conditions_find_nothing(path, &entry->facts) && are_known_behind();
  /* No hash of the source is kept. */
  bool trusted = entry->kind == NAMESPACE || header->validate == PYCDS_VALIDATE_NONE;
  struct pycds_header by_time = {.validate = trusted ? PYCDS_VALIDATE_NONE : PYCDS_VALIDATE_STAT};
  if (conditions_check(path, &entry->facts, &by_time) != PYCDS_SERVED) return false;
  if (search_check_source(&entry->facts, by_time.validate, header->python_magic) != PYCDS_SERVED) return false;
  if (entry->kind != NAMESPACE) return true;
  bool only = entry->parent == NOTHING ? is_only_place(path, &entry->facts) : is_only_item(path, entry->facts.entry);
  return only && is_directory(entry->facts.origin.bytes);
}

static bool is_found(const struct entry *entry, PyObject *finder, const struct pycds_header *header) {
  if (entry->kind == BUILTIN) return conditions_reach(importlib.builtin_importer, entry->name, &entry->facts);
  if (entry->kind == FROZEN) return conditions_reach(importlib.frozen_importer, entry->name, &entry->facts);
  PyObject *path = search_path(entry->parent);
  bool found = path && conditions_are_first(finder, entry->name, &entry->facts) && is_found_along(entry, path, header);
  drop(path);
  return found;
}

/* Whether a module that was not there is not there either. */
static bool is_absent(PyObject *name, PyObject *finder) {
  Py_ssize_t length;
  const char *bytes = PyUnicode_AsUTF8AndSize(name, &length);
  if (!bytes || item_of(importlib.modules, name)) return false;
  struct facts facts = {.name = {bytes, (size_t)length}};
  struct text last = text_after_dot(facts.name);
  uint32_t parent = NOTHING;
  if (last.length != facts.name.length) {
    PyObject *package = PyUnicode_FromStringAndSize(bytes, last.bytes - bytes - 1);
    parent = package ? entry_number(package) : NOTHING;
    drop(package);
    if (parent == NOTHING) return false;
  }
  PyObject *path = search_path(parent);
  /* A module without a path has no modules. */
  if (!path) return parent != NOTHING;
  bool absent = conditions_are_first(finder, name, &facts) && conditions_find_nothing(path, &facts);
  drop(path);
  return absent && are_known_behind();
}

/* Whether it would be in sys.modules by now: it is, or is on the way of this walk. */
static bool is_reached(uint32_t number) {
  if (number == NOTHING) return false;
  const struct entry *entry = &shadow.entries[number];
  return entry->state == WAITING ? entry->checked == shadow.walk
                                 : entry->state == ACTIVE && item_of(importlib.modules, entry->name) == entry->module;
}

static bool is_of_packages(PyObject *name, const char *packages) {
  Py_ssize_t length;
  const char *text = PyUnicode_AsUTF8AndSize(name, &length);
  size_t first = text ? strcspn(text, ".") : 0;
  for (const char *one = packages; first > 0 && *one; one += strcspn(one, " "), one += *one == ' ') {
    if (strcspn(one, " ") == first && strncmp(one, text, first) == 0) return true;
  }
  return false;
}

/* Whether it was there too when the template imported the one that looks. */
static bool has_seen(const struct entry *looking, uint32_t number) {
  if (number != NOTHING && shadow.entries[number].kind == BASE) return true;
  for (Py_ssize_t i = 0; number != NOTHING && i < looking->event_count; i++) {
    if (looking->events[i].what == SEEN && looking->events[i].entry == number) return true;
  }
  return false;
}

/* Whether no more modules of some packages are there, or on the way of this walk, than it has found. */
static bool has_known_modules(const struct entry *looking, PyObject *packages) {
  Py_ssize_t length, at = 0;
  const char *all = PyUnicode_AsUTF8AndSize(packages, &length);
  PyObject *name, *module;
  while (all && PyDict_Next(importlib.modules, &at, &name, &module)) {
    if (is_of_packages(name, all) && !has_seen(looking, entry_number(name))) return false;
  }
  for (uint32_t i = 0; all && i < shadow.count; i++) {
    const struct entry *entry = &shadow.entries[i];
    if (entry->state != WAITING || entry->checked != shadow.walk) continue;
    if (is_of_packages(entry->name, all) && !has_seen(looking, i)) return false;
  }
  return all != NULL;
}

/* Whether a module that extension modules share is not there, and as it is made, or is the same; and has nothing else. */
static bool may_share(PyObject *share) {
  PyObject *module = PyTuple_GetItem(share, SHARE_MODULE), *pairs = PyTuple_GetItem(share, SHARE_PAIRS);
  PyObject *there = item_of(importlib.modules, PyTuple_GetItem(share, SHARE_NAME)),
           *namespace = PyModule_GetDict(module);
  if (there ? there != module : PyDict_Size(namespace) != PyLong_AsLong(PyTuple_GetItem(share, SHARE_BARE)))
    return false;
  for (Py_ssize_t i = 0; i < PyTuple_Size(pairs); i++) {
    PyObject *pair = PyTuple_GetItem(pairs, i), *known = item_of(namespace, PyTuple_GetItem(pair, 0));
    if (known && known != PyTuple_GetItem(pair, 1)) return false;
  }
  return true;
}

/* A class that another one is derived from does not know that one until it is in place. What has been done to the class
 * before has not been done to that one. */
static bool may_derive(struct event *event) {
  PyObject *base = PyTuple_GetItem(event->payload, DERIVED_BASE);
  if (event->version == 0 || type_version(base) != event->version || entry_flags_of_class(base) != event->flags)
    return false;
  *shadow.derived_end = event;
  shadow.derived_end = &event->next;
  event->next = NULL;
  return true;
}

/* Whether a class would have the same ones derived from it: those that there are, then those of this walk. */
static bool has_same_classes(PyObject *payload) {
  PyObject *answer = PyTuple_GetItem(payload, CLASSES_ANSWER), *of = PyTuple_GetItem(payload, CLASSES_OF);
  PyObject *now = PyObject_CallFunctionObjArgs(PyTuple_GetItem(payload, CLASSES_ASK), NULL);
  Py_ssize_t there = now ? PyList_Size(now) : -1, count = PyTuple_Size(answer), at = 0;
  bool same = there >= 0 && there <= count;
  for (; same && at < there; at++) same = PyList_GetItem(now, at) == PyTuple_GetItem(answer, at);
  for (const struct event *event = shadow.derived; same && event; event = event->next) {
    if (PyTuple_GetItem(event->payload, DERIVED_BASE) != of) continue;
    same = at < count && PyTuple_GetItem(event->payload, DERIVED_CLASS) == PyTuple_GetItem(answer, at);
    at++;
  }
  drop(now);
  return same && at == count;
}

/* As recorder.py has it. */
static bool has_listing(PyObject *payload) {
  Py_ssize_t length;
  const char *path = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(payload, LISTED_PATH), &length);
  uint64_t digest = 0;
  char now[32] = "";
  if (!path) return false;
  if (listing_digest_of_kinds(path, &digest)) snprintf(now, sizeof now, "%llx", (unsigned long long)digest);
  return entry_is_named(PyTuple_GetItem(payload, LISTED_DIGEST), now);
}

/* As recorder.py has them. */
static bool has_processors(PyObject *text) {
  Py_ssize_t length;
  const char *then = PyUnicode_AsUTF8AndSize(text, &length);
  char now[64];
  cpu_set_t set;
  if (!then || sched_getaffinity(0, sizeof set, &set) != 0) return false;
  snprintf(now, sizeof now, "%d %ld %ld", CPU_COUNT(&set), sysconf(_SC_NPROCESSORS_ONLN),
           sysconf(_SC_NPROCESSORS_CONF));
  return strcmp(now, then) == 0;
}

/* Whether an effect changes what a module has. */
static bool is_changing(PyObject *payload) {
  static const char *const changing[] = {"attribute", "count", "fill", "finalizers", "streams"};
  bool is_one = false;
  for (size_t i = 0; i < sizeof changing / sizeof *changing; i++)
    is_one |= entry_is_named(PyTuple_GetItem(payload, 0), changing[i]);
  return is_one;
}

struct entry *check_changed_by(PyObject *payload) {
  if (!is_changing(payload)) return NULL;
  uint32_t number = entry_number(PyTuple_GetItem(PyTuple_GetItem(payload, 1), 0));
  return number == NOTHING ? NULL : &shadow.entries[number];
}

static bool may_put_back(PyObject *payload) {
  struct entry *changed = check_changed_by(payload);
  if (changed && changed->state == ACTIVE && print_is_changed(changed)) return false;
  PyObject *may = PyObject_CallFunctionObjArgs(shadow.may, PyTuple_GetItem(payload, 0), PyTuple_GetItem(payload, 1),
                                               PyTuple_GetItem(payload, 2), NULL);
  bool yes = may && PyObject_IsTrue(may) == 1;
  drop(may);
  return yes;
}

/* Of a condition about what a module keeps (kept.py), without calling Python: whether it is the same object. */
static bool is_kept(const struct event *event) {
  PyObject *place = PyTuple_GetItem(event->payload, 1), *answer = PyTuple_GetItem(event->payload, 2);
  PyObject *holder = PyTuple_GetItem(answer, 0);
  if (type_of(holder) != &PyModule_Type) return false;
  return item_of(PyModule_GetDict(holder), PyTuple_GetItem(place, 1)) == PyTuple_GetItem(answer, 1);
}

/* What nothing in a walk has changed since is looked at once. */
static bool is_met(const struct event *event) {
  uint64_t now = event->of_walk ? shadow.walk : shadow.told;
  if (event->checked && *event->checked == now) return true;
  bool met = (event->of_walk && is_kept(event)) || may_put_back(event->payload);
  if (event->checked && met) *event->checked = now;
  return met;
}

/* Those that are asked for behind it see what it is going to change as if it had been changed. */
static bool may_take_effect(PyObject *payload) {
  if (is_changing(payload)) shadow.told++;
  return may_put_back(payload);
}

/* Whether a warning would be emitted in the name of the same module: its own, or the one that asks for it. */
static bool is_in_same_name(const struct entry *entry, const struct event *event, const struct walk *walk) {
  if (event->entry == NOTHING) return true;
  const struct entry *name = &shadow.entries[event->entry];
  /* One that cannot be imported has emitted it in its own. */
  return name == entry || name == walk->asker || name->kind == FAILED;
}

static bool may_put(const struct event *event) {
  struct entry *put = &shadow.entries[event->entry];
  put->checked = shadow.walk;
  bool is_there = !entry_is_main(put) || item_of(importlib.modules, shadow.main->name) == put->module;
  return is_there && !item_of(importlib.modules, event->payload);
}

static bool check_event(const struct entry *entry, struct event *event, const struct walk *walk) {
  struct walk inner = {walk->finder, walk->header, entry};
  switch (event->what) {
    case ASKED: return check_entry(&shadow.entries[event->entry], &inner);
    case PUT: return may_put(event);
    case ABSENT: return is_absent(event->payload, walk->finder);
    case EFFECT: return is_in_same_name(entry, event, walk) && may_take_effect(event->payload);
    case CONDITION: return is_met(event);
    case SEEN: return is_reached(event->entry);
    case UNSEEN: return !item_of(importlib.modules, event->payload) && !is_reached(event->entry);
    case NAMES: return has_known_modules(entry, event->payload);
    case POOL: return has_processors(event->payload);
    case HOLDS:
    case DRAWN: return true;
    case SHARE: return may_share(event->payload);
    case DERIVED: return may_derive(event);
    case CLASSES: return has_same_classes(event->payload);
    case LISTED: return has_listing(event->payload);
    case WHATS: break;
  }
  return false;
}

static const enum unready event_reasons[] = {
    [ASKED] = UNREADY_IMPORTED, [ABSENT] = UNREADY_THERE_NOW,   [PUT] = UNREADY_ADDED,
    [EFFECT] = UNREADY_EFFECT,  [CONDITION] = UNREADY_EFFECT,   [SEEN] = UNREADY_NOT_THERE,
    [UNSEEN] = UNREADY_THERE,   [NAMES] = UNREADY_MODULES,      [POOL] = UNREADY_PROCESSORS,
    [SHARE] = UNREADY_SHARED,   [DERIVED] = UNREADY_BASE_CLASS, [CLASSES] = UNREADY_CLASSES,
    [LISTED] = UNREADY_LISTED,
};

static enum unready event_misfit(const struct event *event) {
  switch (event->what) {
    case ABSENT:
    case PUT:
    case SEEN:
    case UNSEEN: shadow.about = event->payload; break;
    case LISTED: shadow.about = PyTuple_GetItem(event->payload, LISTED_PATH); break;
    case CONDITION:
      if (!entry_is_named(PyTuple_GetItem(event->payload, 0), "asks")) break;
      shadow.about = PyTuple_GetItem(event->payload, 1);
      return UNREADY_ASKED;
    default: break;
  }
  return event_reasons[event->what];
}

static enum unready misfit(struct entry *entry, const struct walk *walk) {
  if (shadow.other_builtins) return UNREADY_BUILTINS;
  if (item_of(importlib.modules, entry->name)) return UNREADY_NAME_TAKEN;
  if (entry->parent != NOTHING && !check_entry(&shadow.entries[entry->parent], walk)) return UNREADY_PACKAGE;
  const struct entry *first = &shadow.entries[entry->first];
  if (first != entry && first->checked != shadow.walk && first->state != ACTIVE) return UNREADY_WITHIN;
  if (entry->kind != SET && !is_found(entry, walk->finder, walk->header)) return UNREADY_NOT_FOUND;
  if (entry->kind != SET && !has_variables(entry)) return UNREADY_VARIABLE;
  if (entry->kind != SET && !has_files(entry)) return UNREADY_FILE;
  for (Py_ssize_t i = 0; i < entry->event_count; i++) {
    if (!check_event(entry, &entry->events[i], walk)) return event_misfit(&entry->events[i]);
  }
  return FITS;
}

/* A directory alone is looked for again whenever the search path of its package has changed, and can be added to. */
static bool is_still_found(const struct entry *entry, const struct walk *walk) {
  PyObject *path = search_path_of(entry->module);
  PyObject *items = path ? PyObject_GetAttrString(path, "_path") : NULL;
  bool same = items && type_of(items) == &PyList_Type && is_only_item(items, entry->facts.origin) &&
              is_found(entry, walk->finder, walk->header);
  drop(items);
  drop(path);
  PyErr_Clear();
  return same;
}

/* What is there already, and what it uses, still has to be what others have been imported with. */
static enum unready misfit_of_active(struct entry *entry, const struct walk *walk) {
  if (!entry_are_modules_known() && item_of(importlib.modules, entry->name) != entry->module) return UNREADY_NAME_TAKEN;
  entry->checked = shadow.walk;
  if (!entry_is_main(entry) && print_is_changed(entry)) return UNREADY_REPLACED;
  if (entry->kind == NAMESPACE && !is_still_found(entry, walk)) return UNREADY_NOT_FOUND;
  /* `import package.module` hands out the package. */
  if (entry->parent != NOTHING && shadow.entries[entry->parent].state == ACTIVE &&
      !check_entry(&shadow.entries[entry->parent], walk))
    return UNREADY_PACKAGE;
  for (Py_ssize_t i = 0; i < entry->event_count; i++) {
    const struct event *event = &entry->events[i];
    if (event->what != ASKED || shadow.entries[event->entry].state != ACTIVE) continue;
    if (!check_entry(&shadow.entries[event->entry], walk)) return event_reasons[ASKED];
  }
  return FITS;
}

bool check_entry(struct entry *entry, const struct walk *walk) {
  enum unready reason = FITS;
  if (entry->checked == shadow.walk && entry->state != DROPPED) return true;
  if (entry->state == WAITING) {
    /* Its package comes first, and may ask for it. */
    bool is_next = entry->kind != SET && entry->parent != NOTHING && !item_of(importlib.modules, entry->name);
    if (is_next && check_entry(&shadow.entries[entry->parent], walk) && entry->checked == shadow.walk) return true;
    /* What another one puts in is not there before that. */
    if (entry->kind != SET) entry->checked = shadow.walk;
    reason = misfit(entry, walk);
    PyErr_Clear();
  } else if (entry->state == DROPPED)
    reason = UNREADY_DROPPED;
  else
    reason = misfit_of_active(entry, walk);
  if (!reason) return true;
  if (!shadow.reason) {
    shadow.unfit = entry->name;
    shadow.reason = reason;
  }
  if (entry->state == WAITING) entry->state = DROPPED;
  /* Whoever asks again gets the same answer. */
  entry->checked = 0;
  return false;
}
