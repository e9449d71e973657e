// SPDX-License-Identifier: Apache-2.0
// The table of modules that are ready, which lies in the snapshot: an entry for each, with what its import did and asked. Of
// this folder alone.
//
//   shadow.c   serves: what fits is put in place
//   adopt.c    takes the table over, in a template
//   check.c    whether a module would be what importing it gives
//   print.c    whether what modules have was replaced
//   watched.c  who watches imports: then none is served
//   drop.c     what does not fit is imported as ever, with all that refers to it
//   anew.c     loads its libraries anew
#ifndef PYCDS_RUNTIME_ENTRIES_H
#define PYCDS_RUNTIME_ENTRIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../../cpython/dict.h"
#include "../../cpython/type.h"
#include "../../format/archive_read.h"
#include "../archive/facts.h"
#include "../host/importlib.h"

/* Why a module is not what importing it would give: codes of unready.def; FITS: it is. */
enum unready {
  FITS,
#define UNREADY(code, sentence) UNREADY_##code,
#include "unready.def"
#undef UNREADY
};

#define NOTHING UINT32_MAX

/* FAILED: its import fails, and leaves nothing. OTHER: through a finder that another module has put on sys.meta_path. */
enum kind { BASE, BUILTIN, FROZEN, SOURCE, EXTENSION, NAMESPACE, OTHER, FAILED, SET };

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
  DRAWN,
  WHATS
};

/* Of a module that extension modules share: merge.py, share_of. */
enum share { SHARE_NAME = 1, SHARE_MODULE, SHARE_PAIRS, SHARE_BARE, SHARE_FIELDS };

struct event {
  enum what what;
  /* That was asked for, put into sys.modules or looked for, or in whose name a warning was emitted; NOTHING: none has that name. */
  uint32_t entry;
  /* Of an effect, and a condition that is looked at in the same way: (what, place, payload); of POOL: numbers of processors; of
   * NAMES: packages; of SHARE, DERIVED, CLASSES, LISTED and DRAWN: all that table.py has for it; else the name. */
  PyObject *payload;
  uint64_t *checked; /* of a condition that others have, too: `walk` or `told` when it was last found met; else NULL */
  bool of_walk;      /* of such a condition: what it is about is not changed by an effect that is still to come */
  unsigned long flags; /* of DERIVED: of the class that is derived from */
  unsigned version;
  struct event *next; /* of DERIVED: the next that this walk has come by */
};

/* In the payload of DERIVED: the weak reference that a class remembers another one by, which is taken out of BASE_SUBCLASSES. */
enum derived_field { DERIVED_BASE = 2, DERIVED_CLASS, BASE_SUBCLASSES, REFERENCE_KEY, REFERENCE };
enum listed_field { LISTED_PATH = 1, LISTED_DIGEST };
enum drawn_field { DRAWN_TEXT = 2, DRAWN_OFFSET };
/* In that of CLASSES: a class, its method `__subclasses__`, and what that has answered: a tuple. */
enum classes_field { CLASSES_OF = 2, CLASSES_ASK, CLASSES_ANSWER };

/* Which objects a namespace has under the first of its names. */
struct print {
  Py_ssize_t names;
  uint64_t sum;
  uint64_t version; /* of the namespace when it was last found to have these; 0: that is not known */
};

/* Of what the sum was at one of these names: without what it has, and with that. So the first that differs can be told. */
struct step {
  uint8_t name, value;
};

/* What a class says it is of, where others fill that in (fills.py): before, behind that, and its first line before; a tuple. */
enum filled_field { FILLED_BEFORE, FILLED_AFTER, FILLED_LINE };

/* Of a class that modules have. */
struct space {
  PyObject *namespace;
  PyObject *filled;     /* None: it says what it has always said */
  PyObject *changing;   /* names of counters */
  uint64_t *may_change; /* as of an entry */
  struct print print;
  struct step *steps;
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
  PyObject *filled;     /* those that are None until these do, and may become functions */
  uint64_t *may_change; /* a bit for each of its names, in their order; NULL: none may */
  uint64_t *may_be_code;
  struct print print;
  struct step *steps; /* for each of these names; NULL: there was no memory */
  uint32_t *spaces;   /* of its classes */
  size_t space_count;
  uint64_t checked; /* the last walk that has come here */
};

extern struct shadow {
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
  bool versioned; /* each change of a dictionary gives it another version */
  uint64_t walk;
  uint64_t told; /* another one with each walk, and with each effect that what is asked for may see from then on */
  uint64_t modules_version; /* of sys.modules when it had each module that is in place; 0: that is not known */
  struct event *derived, **derived_end; /* what this walk has come by */
  /* Why the last walk failed: the first module that did not fit. */
  PyObject *unfit;
  enum unready reason;
  PyObject
      *about; /* the variable, file, attribute or module that does not fit, where it is known: a text of the template */
} shadow;

PYCDS_PYAPI unsigned long PyType_GetFlags(PyTypeObject *);
PYCDS_PYAPI Py_ssize_t PyDict_Size(PyObject *);

/* ---- entries ---- */

/* NOTHING: there is none of that name. */
static inline uint32_t entry_number(PyObject *name) {
  PyObject *number = item_of(shadow.numbers, name);
  return number ? (uint32_t)PyLong_AsLong(number) : NOTHING;
}

static inline bool entry_is_named(PyObject *object, const char *text) {
  Py_ssize_t length;
  const char *bytes = PyUnicode_AsUTF8AndSize(object, &length);
  return bytes && strcmp(bytes, text) == 0;
}

/* Of the program's own module, under its second name, too: multiprocessing gives it one. */
static inline bool entry_is_main(const struct entry *entry) {
  return shadow.main && entry->module == shadow.main->module;
}

/* Without what says whether it has a version. */
static inline unsigned long entry_flags_of_class(PyObject *class) {
  return PyType_GetFlags((PyTypeObject *)class) & ~TYPE_HAS_VERSION;
}

/* NULL: it has none that counts. */
PyObject *entry_namespace(const struct entry *entry);

/* 0: it is not known whether the dictionary has been changed since. */
static inline uint64_t entry_version_of(PyObject *dict) { return dict && shadow.versioned ? dict_version(dict) : 0; }

/* Whether sys.modules has each module that is in place: false where it has to be asked for it. */
static inline bool entry_are_modules_known(void) {
  return shadow.modules_version != 0 && shadow.modules_version == entry_version_of(importlib.modules);
}

/* ---- what modules have ---- */

/* Before all others. */
void print_start(void);
void print_take(struct entry *entry);
/* Says in `about` what of it is another object, where a name is known. */
bool print_is_changed(struct entry *entry);

/* Names that are added to builtins are seen by whatever uses a name that it does not have itself, or asks whether there is one. */
bool print_has_other_builtins(void);

/* ---- checking ---- */

struct walk {
  PyObject *finder;
  const struct pycds_header *header;
  const struct entry
      *asker; /* whose import asks for what is looked at; NULL: the program, or a module of its package */
};

/* Whether a module, and all that its import asked for, would be what the template has. What does not fit is dropped. */
bool check_entry(struct entry *entry, const struct walk *walk);

/* The module whose attribute an effect changes, or whose class; NULL: none of these. */
struct entry *check_changed_by(PyObject *payload);

/* ---- who watches ---- */

/* From now on audit hooks are noticed. */
bool watched_start(void);
bool watched_by_any(void);

/* Puts a function of ours in the place of one of a built-in module, and looks the same. The original is kept for ever. */
bool watched_stand_in(const char *module, PyMethodDef *method, char *doc, size_t doc_bytes, PyObject **original);

/* ---- dropping ---- */

/* From now on it is noticed when an extension module is loaded without any question here. */
bool drop_start(void);

/* What refers to a dropped module refers to another object than the program would. */
void drop_dependents(void);

#endif
