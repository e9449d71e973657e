// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "shadow.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../../cpython/type.h"
#include "../../snapshot/listing.h"
#include "../decide/conditions.h"
#include "../decide/search.h"
#include "../host/report.h"
#include "anew.h"

/* Why a module is not what importing it would give: codes of unready.def; FITS: it is. */
enum unready {
  FITS,
#define UNREADY(code, sentence) UNREADY_##code,
#include "unready.def"
#undef UNREADY
};
static const char *const sentences[] = {
    [FITS] = NULL,
#define UNREADY(code, sentence) [UNREADY_##code] = sentence,
#include "unready.def"
#undef UNREADY
};

#define NOTHING UINT32_MAX
#define TOOLS 6
/* Of a thread's keys in Rust's standard library. */
#define KEY_BYTES 16
/* In the place of a number of bytes: table.py. */
#define OF_NO_FILE (-1)
#define OF_NULL_DEVICE (-2)
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

/* FAILED: its import fails, and leaves nothing. OTHER: through a finder that another module has put on sys.meta_path. */
enum kind { BASE, BUILTIN, FROZEN, SOURCE, EXTENSION, NAMESPACE, OTHER, FAILED, SET };
static const char *const kind_names[] = {"base",      "builtin", "frozen", "source", "extension",
                                         "namespace", "other",   "failed", "set"};
enum { KINDS = sizeof kind_names / sizeof *kind_names };

/* Once they have been dropped they are imported like any others, and never served: something else has their name. */
enum state { WAITING, ACTIVE, DROPPED };

enum what {
  ASKED,
  ABSENT,
  PUT,
  EFFECT,
  CONDITION,
  SEEN,
  UNSEEN,
  NAMES,
  POOL,
  HOLDS,
  SHARE,
  DERIVED,
  CLASSES,
  LISTED,
  WHATS
};
static const char *const what_names[] = {"ask",   "absent", "set",   "effect", "condition", "seen",    "unseen",
                                         "names", "pool",   "holds", "share",  "derives",   "classes", "listed"};

/* Of a module that extension modules share: table.py, share_of. */
enum share { SHARE_NAME = 1, SHARE_MODULE, SHARE_PAIRS, SHARE_BARE, SHARE_FIELDS };

struct event {
  enum what what;
  /* That was asked for, put into sys.modules or looked for, or in whose name a warning was emitted; NOTHING: none has that name. */
  uint32_t entry;
  /* Of an effect, and a condition that is looked at in the same way: (what, place, payload); of POOL: numbers of processors; of NAMES: packages; of SHARE, DERIVED, CLASSES and
   * LISTED: all that table.py has for it; else the name. */
  PyObject *payload;
  unsigned long flags; /* of DERIVED: of the class that is derived from */
  unsigned version;
  struct event *next; /* of DERIVED: the next that this walk has come by */
};

/* In the payload of DERIVED: the weak reference that a class remembers another one by, which is taken out of BASE_SUBCLASSES. */
enum derived_field { DERIVED_BASE = 2, DERIVED_CLASS, BASE_SUBCLASSES, REFERENCE_KEY, REFERENCE };
enum listed_field { LISTED_PATH = 1, LISTED_DIGEST };
/* In that of CLASSES: a class, its method `__subclasses__`, and what that has answered: a tuple. */
enum classes_field { CLASSES_OF = 2, CLASSES_ASK, CLASSES_ANSWER };

/* Which objects a namespace has under the first of its names. */
struct print {
  Py_ssize_t names;
  uint64_t sum;
};

/* Of a class that modules have. */
struct space {
  PyObject *namespace;
  struct print print;
  uint64_t checked; /* the last walk that has found it as it was */
};

struct entry {
  /* Never freed: a program may have lost them, the others still refer to them. But the program's own module is the program's
   * alone. */
  PyObject *name, *module;
  PyObject *child; /* the name under which its package gets it; NULL: it is there already */
  enum kind kind;
  enum state state;
  struct facts facts;
  uint32_t parent, first;
  struct event *events;
  Py_ssize_t event_count;
  PyObject *variables, *files;
  void **libraries; /* that were loaded for it */
  size_t library_count;
  void **globals; /* whose symbols all others see since */
  size_t global_count;
  void **keys; /* of hash maps, in the storage of the thread that imports */
  size_t key_count;
  bool anew;            /* it has been dropped, and is going to be loaded as if it had never been */
  bool touched;         /* importing something else changes what it has */
  PyObject *changing;   /* names in it that its functions assign */
  uint64_t *may_change; /* a bit for each of its names, in their order; NULL: none may */
  struct print print;
  uint32_t *spaces; /* of its classes */
  size_t space_count;
  uint64_t checked; /* the last walk that has come here */
};

static struct {
  struct entry *entries;
  uint32_t count;
  struct space *spaces;
  PyObject *numbers; /* name: number */
  PyObject *finders; /* that modules have put on sys.meta_path: keys of a dictionary */
  PyObject *may, *put;
  PyObject *begin;      /* what `may` is told when a walk begins */
  PyObject *hash, *key; /* of variables: _imp.source_hash, and its first argument */
  PyObject *import;     /* builtins.__import__ */
  PyObject *add_audit_hook, *create_dynamic;
  unsigned long thread;
  struct entry *main;     /* the program's own module, for comparison: it may be gone */
  struct entry *builtins; /* whose names all modules see */
  bool other_builtins;    /* of this walk: they are not what they were */
  bool audited;           /* a program has added an audit hook */
  bool started;
  uint64_t walk;
  struct event *derived, **derived_end; /* what this walk has come by */
  /* Why the last walk failed: the first module that did not fit. */
  PyObject *unfit;
  enum unready reason;
  PyObject *about; /* the variable, file or module that does not fit, where it is known: a text of the template */
} shadow;

PYCDS_PYAPI unsigned long PyType_GetFlags(PyTypeObject *);
PYCDS_PYAPI Py_ssize_t PyObject_Hash(PyObject *);
PYCDS_PYAPI Py_ssize_t PyDict_Size(PyObject *);

/* ---- what is in a module ---- */

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

/* Under its second name, too: multiprocessing gives it one. */
static bool is_main(const struct entry *entry) { return shadow.main && entry->module == shadow.main->module; }

static PyObject *namespace_of(const struct entry *entry) {
  if (is_main(entry)) return NULL;
  bool has_one = entry->module && PyType_IsSubtype(type_of(entry->module), &PyModule_Type);
  return has_one ? PyModule_GetDict(entry->module) : NULL;
}

#define BITS 64

static bool has_bit(const uint64_t *bits, Py_ssize_t at) { return bits && (bits[at / BITS] >> at % BITS & 1) != 0; }

/* Numbers and texts are the same when they are equal: a worker is told what it has already. */
static uint64_t identity_of(PyObject *value) {
  const PyTypeObject *type = type_of(value);
  bool is_equal = type == &PyUnicode_Type || type == &PyBytes_Type || type == &PyLong_Type || type == &PyFloat_Type;
  return is_equal ? (uint64_t)PyObject_Hash(value) : (uint64_t)(uintptr_t)value;
}

/* Of the first `most` names. Of those that may change, whether they are code, and which. */
static struct print print_of(PyObject *namespace, Py_ssize_t most, const uint64_t *may_change) {
  struct print print = {0, 0};
  PyObject *key, *value;
  Py_ssize_t at = 0;
  while (namespace && print.names < most && PyDict_Next(namespace, &at, &key, &value)) {
    bool counts = !has_bit(may_change, print.names) || is_code(value);
    print.sum = (print.sum ^ (uint64_t)(uintptr_t)key) * UINT64_C(0x9e3779b97f4a7c15);
    print.sum = (print.sum ^ (counts ? identity_of(value) : 0) ^ print.sum >> 29) * UINT64_C(0x9e3779b97f4a7c15);
    print.names++;
  }
  return print;
}

static bool is_like(struct print one, struct print other) { return one.names == other.names && one.sum == other.sum; }

static void find_changing(struct entry *entry, PyObject *namespace) {
  PyObject *key, *value;
  Py_ssize_t at = 0, count = 0, most = 0;
  /* sys has what belongs to the process. */
  bool is_sys = namespace == importlib.sys_dict;
  free(entry->may_change);
  entry->may_change = NULL;
  while (PyDict_Next(namespace, &at, &key, &value)) most++;
  for (at = 0; PyDict_Next(namespace, &at, &key, &value); count++) {
    if (PySet_Contains(entry->changing, key) != 1 && !(is_sys && is_plain(value))) continue;
    if (!entry->may_change) entry->may_change = calloc((size_t)most / BITS + 1, sizeof *entry->may_change);
    if (entry->may_change) entry->may_change[count / BITS] |= UINT64_C(1) << count % BITS;
  }
}

static void take_print(struct entry *entry) {
  PyObject *namespace = namespace_of(entry);
  if (namespace) find_changing(entry, namespace);
  entry->print = print_of(namespace, INTPTR_MAX, entry->may_change);
  for (size_t i = 0; i < entry->space_count; i++) {
    struct space *space = &shadow.spaces[entry->spaces[i]];
    space->print = print_of(space->namespace, INTPTR_MAX, NULL);
  }
}

/* Whether somebody has put something else in the place of what a module had. Names that are added to a module come behind;
 * those that are added to a class may stand before what it inherits. */
static bool is_changed(const struct entry *entry) {
  if (!is_like(print_of(namespace_of(entry), entry->print.names, entry->may_change), entry->print)) return true;
  for (size_t i = 0; i < entry->space_count; i++) {
    struct space *space = &shadow.spaces[entry->spaces[i]];
    if (space->checked == shadow.walk) continue;
    if (!is_like(print_of(space->namespace, INTPTR_MAX, NULL), space->print)) return true;
    space->checked = shadow.walk;
  }
  return false;
}

/* Names that are added to builtins are seen by whatever uses a name that it does not have itself, or asks whether there is one. */
static bool has_other_builtins(void) {
  const struct entry *builtins = shadow.builtins;
  return builtins && (PyDict_Size(importlib.builtins_dict) != builtins->print.names || is_changed(builtins));
}

/* ---- taking over ---- */

/* The text is kept for ever, and nothing else of the tuple. */
static struct text text_in(PyObject *tuple, enum field field) {
  Py_ssize_t length = 0;
  const char *bytes = PyUnicode_AsUTF8AndSize(keep(PyTuple_GetItem(tuple, field)), &length);
  return (struct text){bytes, (size_t)length};
}

static uint32_t number_of(PyObject *name) {
  PyObject *number = item_of(shadow.numbers, name);
  return number ? (uint32_t)PyLong_AsLong(number) : NOTHING;
}

static bool is_named(PyObject *object, const char *text) {
  Py_ssize_t length;
  const char *bytes = PyUnicode_AsUTF8AndSize(object, &length);
  return bytes && strcmp(bytes, text) == 0;
}

/* (list of those in front, list of those behind) */
static bool adopt_finders(PyObject *place, PyObject *payload) {
  if (!is_named(PyTuple_GetItem(place, 1), "meta_path")) return true;
  PyObject *added = PyTuple_GetItem(payload, 1);
  bool done = added != NULL;
  for (Py_ssize_t i = 0; done && i < PyList_Size(added); i++)
    done = PyDict_SetItem(shadow.finders, PyList_GetItem(added, i), &_Py_NoneStruct) == 0;
  return done;
}

/* Without what says whether it has a version. */
static unsigned long flags_of_class(PyObject *class) {
  return PyType_GetFlags((PyTypeObject *)class) & ~TYPE_HAS_VERSION;
}

static bool adopt_event(struct event *event, PyObject *from) {
  PyObject *name_of_what = PyTuple_GetItem(from, 0);
  int what = 0;
  while (name_of_what && what < WHATS && !is_named(name_of_what, what_names[what])) what++;
  if (!name_of_what || what == WHATS) return false;
  event->what = (enum what)what;
  if (what == EFFECT && is_named(PyTuple_GetItem(from, 1), "list") &&
      !adopt_finders(PyTuple_GetItem(from, 2), PyTuple_GetItem(from, 3)))
    return false;
  if (what == EFFECT || what == CONDITION) {
    event->entry = is_named(PyTuple_GetItem(from, 1), "warned") ? number_of(PyTuple_GetItem(from, 2)) : NOTHING;
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
  event->entry = number_of(name);
  if (what == DERIVED) {
    event->flags = flags_of_class(PyTuple_GetItem(from, DERIVED_BASE));
    event->version = type_version(PyTuple_GetItem(from, DERIVED_BASE));
  }
  if (what == DERIVED || what == CLASSES || what == LISTED) {
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
  entry->first = first == &_Py_NoneStruct ? number : number_of(first);
  entry->parent = NOTHING;
  if (entry->first == NOTHING) return false;
  if (last.length == name.length) return true;
  PyObject *parent = PyUnicode_FromStringAndSize(name.bytes, last.bytes - name.bytes - 1);
  entry->parent = parent ? number_of(parent) : NOTHING;
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
  while (kind < KINDS && !is_named(PyTuple_GetItem(from, KIND), kind_names[kind])) kind++;
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
  PyObject *spaces = PyTuple_GetItem(prints, 0), *each = PyTuple_GetItem(prints, 1);
  Py_ssize_t count = spaces ? PyList_Size(spaces) : -1;
  if (count < 0 || !each || PyList_Size(each) != (Py_ssize_t)shadow.count) return false;
  shadow.spaces = calloc((size_t)count + 1, sizeof *shadow.spaces);
  if (!shadow.spaces) return false;
  for (Py_ssize_t i = 0; i < count; i++) shadow.spaces[i].namespace = keep(PyList_GetItem(spaces, i));
  for (uint32_t i = 0; i < shadow.count; i++) {
    struct entry *entry = &shadow.entries[i];
    PyObject *pair = PyList_GetItem(each, i), *changing = PyTuple_GetItem(pair, 0), *own = PyTuple_GetItem(pair, 1);
    Py_ssize_t own_count = own ? PyTuple_Size(own) : -1;
    if (own_count < 0) return false;
    entry->changing = keep(changing);
    entry->spaces = calloc((size_t)own_count + 1, sizeof *entry->spaces);
    if (!entry->spaces) return false;
    for (Py_ssize_t j = 0; j < own_count; j++) entry->spaces[j] = (uint32_t)PyLong_AsLong(PyTuple_GetItem(own, j));
    entry->space_count = (size_t)own_count;
    take_print(entry);
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
  shadow.begin = PyUnicode_FromStringAndSize("walk", 4);
  PyObject *imp = PyImport_ImportModule("_imp");
  shadow.hash = imp ? PyObject_GetAttrString(imp, "source_hash") : NULL;
  drop(imp);
  if (!shadow.hash || !shadow.begin) return false;
  bool done = shadow.entries && shadow.numbers && shadow.finders && number_all(table);
  for (uint32_t i = 0; done && i < shadow.count; i++)
    done = adopt_entry(&shadow.entries[i], i, PyList_GetItem(table, i));
  return done && adopt_prints(prints);
}

/* ---- who watches ---- */

static PyObject *add_audit_hook(PyObject *self, PyObject *args, PyObject *keywords) {
  (void)self;
  shadow.audited = true;
  return PyObject_Call(shadow.add_audit_hook, args, keywords);
}

/* Puts a function of ours in the place of one of a built-in module, and looks the same. The original is kept for ever. */
static bool stand_in(const char *module, PyMethodDef *method, char *doc, size_t doc_bytes, PyObject **original) {
  PyObject *holder = PyImport_ImportModule(module),
           *name = PyUnicode_FromStringAndSize(module, (Py_ssize_t)strlen(module));
  *original = holder ? PyObject_GetAttrString(holder, method->ml_name) : NULL;
  PyObject *text = *original ? PyObject_GetAttrString(*original, "__doc__") : NULL;
  PyObject *signature = *original ? PyObject_GetAttrString(*original, "__text_signature__") : NULL;
  Py_ssize_t length;
  const char *body = text ? PyUnicode_AsUTF8AndSize(text, &length) : NULL;
  const char *head = signature ? PyUnicode_AsUTF8AndSize(signature, &length) : NULL;
  if (body && head && snprintf(doc, doc_bytes, "%s%s\n--\n\n%s", method->ml_name, head, body) < (int)doc_bytes)
    method->ml_doc = doc;
  PyObject *function = *original && name ? PyCFunction_NewEx(method, holder, name) : NULL;
  bool done = function && PyObject_SetAttrString(holder, method->ml_name, function) == 0;
  PyObject *all[] = {holder, name, text, signature, function};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) drop(all[i]);
  PyErr_Clear();
  return done;
}

/* There is no way to ask whether there is a hook. */
static bool notice_audit_hooks(void) {
  static PyMethodDef method = {"addaudithook", (PyCFunction)(void (*)(void))add_audit_hook,
                               METH_VARARGS | METH_KEYWORDS, NULL};
  static char doc[1024];
  return stand_in("sys", &method, doc, sizeof doc, &shadow.add_audit_hook);
}

static bool notice_extensions(void);

bool shadow_start(void) {
  if (!shadow.entries) return false;
  shadow.import = PyDict_GetItemString(importlib.builtins_dict, "__import__");
  shadow.thread = PyThread_get_thread_ident();
  if (shadow.import) {
    Py_IncRef(shadow.import);
    shadow.started = notice_audit_hooks() && notice_extensions();
    /* Of what every process has, as it is before its program. */
    for (uint32_t i = 0; i < shadow.count; i++) {
      struct entry *entry = &shadow.entries[i];
      if (entry->kind != BASE) continue;
      take_print(entry);
      if (is_named(entry->name, "__main__")) shadow.main = entry;
      if (is_named(entry->name, "builtins")) shadow.builtins = entry;
    }
    for (uint32_t i = 0; i < shadow.count; i++) {
      if (is_main(&shadow.entries[i])) drop(shadow.entries[i].module);
    }
  }
  return true;
}

/* sys.gettrace and sys.getprofile; and since 3.12 the tools of sys.monitoring. */
static bool is_none(PyObject *object, PyObject *argument) {
  PyObject *result = object ? PyObject_CallFunctionObjArgs(object, argument, NULL) : NULL;
  drop(result);
  return result == &_Py_NoneStruct;
}

static bool is_monitored(void) {
  PyObject *monitoring = PySys_GetObject("monitoring");
  if (!monitoring) return false;
  PyObject *get = PyObject_GetAttrString(monitoring, "get_tool");
  bool none = get != NULL;
  for (long tool = 0; none && tool < TOOLS; tool++) {
    PyObject *number = PyLong_FromLong(tool);
    none = number && is_none(get, number);
    drop(number);
  }
  drop(get);
  return !none;
}

static bool is_watched(void) {
  return shadow.audited || !is_none(PySys_GetObject("gettrace"), NULL) ||
         !is_none(PySys_GetObject("getprofile"), NULL) || is_monitored() ||
         PyDict_GetItemString(importlib.builtins_dict, "__import__") != shadow.import;
}

/* ---- checking ---- */

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
  if (is_main(package)) return NULL;
  /* Its path would look for its own package in sys.modules. */
  if (package->kind == NAMESPACE) return path_of(package->facts.origin);
  PyObject *path = attribute_of(package->module, names.dunder_path);
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
    parent = package ? number_of(package) : NOTHING;
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
    if (is_of_packages(name, all) && !has_seen(looking, number_of(name))) return false;
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
  if (event->version == 0 || type_version(base) != event->version || flags_of_class(base) != event->flags) return false;
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
  return is_named(PyTuple_GetItem(payload, LISTED_DIGEST), now);
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

/* The module whose attribute an effect changes, or whose class; NULL: none of these. */
static struct entry *changed_by(PyObject *payload) {
  PyObject *what = PyTuple_GetItem(payload, 0), *place = PyTuple_GetItem(payload, 1);
  if (!is_named(what, "attribute") && !is_named(what, "finalizers")) return NULL;
  uint32_t number = number_of(PyTuple_GetItem(place, 0));
  return number == NOTHING ? NULL : &shadow.entries[number];
}

static bool may_put_back(PyObject *payload) {
  const struct entry *changed = changed_by(payload);
  if (changed && changed->state == ACTIVE && is_changed(changed)) return false;
  PyObject *may = PyObject_CallFunctionObjArgs(shadow.may, PyTuple_GetItem(payload, 0), PyTuple_GetItem(payload, 1),
                                               PyTuple_GetItem(payload, 2), NULL);
  bool yes = may && PyObject_IsTrue(may) == 1;
  drop(may);
  return yes;
}

struct walk {
  PyObject *finder;
  const struct pycds_header *header;
  const struct entry
      *asker; /* whose import asks for what is looked at; NULL: the program, or a module of its package */
};

static bool check(struct entry *entry, const struct walk *walk);

/* Whether a warning would be emitted in the name of the same module: its own, or the one that asks for it. */
static bool is_in_same_name(const struct entry *entry, const struct event *event, const struct walk *walk) {
  if (event->entry == NOTHING) return true;
  const struct entry *name = &shadow.entries[event->entry];
  return name == entry || name == walk->asker;
}

static bool may_put(const struct event *event) {
  struct entry *put = &shadow.entries[event->entry];
  put->checked = shadow.walk;
  bool is_there = !is_main(put) || item_of(importlib.modules, shadow.main->name) == put->module;
  return is_there && !item_of(importlib.modules, event->payload);
}

static bool check_event(const struct entry *entry, struct event *event, const struct walk *walk) {
  struct walk inner = {walk->finder, walk->header, entry};
  switch (event->what) {
    case ASKED: return check(&shadow.entries[event->entry], &inner);
    case PUT: return may_put(event);
    case ABSENT: return is_absent(event->payload, walk->finder);
    case EFFECT: return is_in_same_name(entry, event, walk) && may_put_back(event->payload);
    case CONDITION: return may_put_back(event->payload);
    case SEEN: return is_reached(event->entry);
    case UNSEEN: return !item_of(importlib.modules, event->payload) && !is_reached(event->entry);
    case NAMES: return has_known_modules(entry, event->payload);
    case POOL: return has_processors(event->payload);
    case HOLDS: return true;
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
      if (!is_named(PyTuple_GetItem(event->payload, 0), "asks")) break;
      shadow.about = PyTuple_GetItem(event->payload, 1);
      return UNREADY_ASKED;
    default: break;
  }
  return event_reasons[event->what];
}

static enum unready misfit(struct entry *entry, const struct walk *walk) {
  if (shadow.other_builtins) return UNREADY_BUILTINS;
  if (item_of(importlib.modules, entry->name)) return UNREADY_NAME_TAKEN;
  if (entry->parent != NOTHING && !check(&shadow.entries[entry->parent], walk)) return UNREADY_PACKAGE;
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
  PyObject *path = attribute_of(entry->module, names.dunder_path);
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
  if (item_of(importlib.modules, entry->name) != entry->module) return UNREADY_NAME_TAKEN;
  entry->checked = shadow.walk;
  if (!is_main(entry) && is_changed(entry)) return UNREADY_REPLACED;
  if (entry->kind == NAMESPACE && !is_still_found(entry, walk)) return UNREADY_NOT_FOUND;
  /* `import package.module` hands out the package. */
  if (entry->parent != NOTHING && shadow.entries[entry->parent].state == ACTIVE &&
      !check(&shadow.entries[entry->parent], walk))
    return UNREADY_PACKAGE;
  for (Py_ssize_t i = 0; i < entry->event_count; i++) {
    const struct event *event = &entry->events[i];
    if (event->what != ASKED || shadow.entries[event->entry].state != ACTIVE) continue;
    if (!check(&shadow.entries[event->entry], walk)) return event_reasons[ASKED];
  }
  return FITS;
}

/* Whether a module, and all that its import asked for, would be what the template has. What does not fit is dropped. */
static bool check(struct entry *entry, const struct walk *walk) {
  enum unready reason = FITS;
  if (entry->checked == shadow.walk && entry->state != DROPPED) return true;
  if (entry->state == WAITING) {
    /* Its package comes first, and may ask for it. */
    bool is_next = entry->kind != SET && entry->parent != NOTHING && !item_of(importlib.modules, entry->name);
    if (is_next && check(&shadow.entries[entry->parent], walk) && entry->checked == shadow.walk) return true;
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

/* What refers to a dropped module refers to another object than the program would. */
static void drop_dependents(void) {
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

static bool notice_extensions(void) {
  static PyMethodDef method = {"create_dynamic", create_dynamic, METH_VARARGS, NULL};
  static char doc[256];
  return stand_in("_imp", &method, doc, sizeof doc, &shadow.create_dynamic);
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

/* Only dictionaries are touched here: nobody can come in between. What has to be done besides is added to `effects`. */
static bool activate(struct entry *entry, PyObject *effects) {
  if (entry->state == ACTIVE || entry->kind == FAILED) return true;
  bool done = true;
  if (entry->kind == SET) return activate(&shadow.entries[entry->events[0].entry], effects);
  if (entry->parent != NOTHING) done = activate(&shadow.entries[entry->parent], effects);
  /* Its package may have asked for it. */
  if (!done || entry->state == ACTIVE) return done;
  entry->state = ACTIVE;
  for (Py_ssize_t i = 0; done && i < entry->event_count; i++) {
    const struct event *event = &entry->events[i];
    struct entry *other = &shadow.entries[event->entry];
    if (event->what == ASKED) done = activate(other, effects);
    if (event->what == SHARE) done = share(event->payload);
    if (event->what == DERIVED) done = remember_derived(event->payload);
    if (event->what == EFFECT) {
      struct entry *changed = changed_by(event->payload);
      (changed ? changed : entry)->touched = true;
      done = PyList_Append(effects, event->payload) == 0;
    }
    if (event->what != PUT) continue;
    other->state = ACTIVE;
    other->touched = true;
    done = PyDict_SetItem(importlib.modules, other->name, other->module) == 0;
    report_put();
  }
  if (!done || PyDict_SetItem(importlib.modules, entry->name, entry->module) != 0) return false;
  if (entry->global_count > 0) anew_join_global(entry->globals, entry->global_count);
  draw_keys(entry);
  report_put();
  if (!entry->child) return true;
  PyObject *package = shadow.entries[entry->parent].module;
  if (type_of(package) == &PyModule_Type) {
    PyObject *namespace = PyModule_GetDict(package);
    /* Something else may have had the name. */
    shadow.entries[entry->parent].touched |= PyDict_Contains(namespace, entry->child) == 1;
    return PyDict_SetItem(namespace, entry->child, entry->module) == 0;
  }
  return PyObject_SetAttr(package, entry->child, entry->module) == 0;
}

static void put_back(PyObject *effects) {
  for (Py_ssize_t i = 0; i < PyList_Size(effects); i++) {
    PyObject *effect = PyList_GetItem(effects, i);
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
    if (one->touched) take_print(one);
    one->touched = false;
  }
}

bool shadow_serve(PyObject *name, PyObject *finder, const struct pycds_header *header, PyObject **module) {
  if (!shadow.started) return false;
  uint32_t number = number_of(name);
  if (number == NOTHING || shadow.entries[number].state != WAITING || shadow.entries[number].kind == FAILED)
    return false;
  if (is_watched() || PyThread_get_thread_ident() != shadow.thread) return false;
  struct entry *entry = &shadow.entries[number];
  struct walk walk = {finder, header, NULL};
  shadow.walk++;
  shadow.other_builtins = has_other_builtins();
  drop(PyObject_CallFunctionObjArgs(shadow.may, shadow.begin, &_Py_NoneStruct, &_Py_NoneStruct, NULL));
  shadow.derived = NULL;
  shadow.derived_end = &shadow.derived;
  shadow.reason = FITS;
  shadow.about = NULL;
  if (!check(entry, &walk)) {
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
