// SPDX-License-Identifier: Apache-2.0
// Learning without a bake: a start that finds no archive of its own kind in the directory of PYCDS_LEARN records what it
// imports, and a helper (native/learn) makes the archive of it, which the next start uses.
//
// How a start learns:
//
//   1. The directory must be one in which nobody else can put anything (directory.c). The kind of the start gives the
//      name of its archive there (kind.c). Where the archive is there and fits, it is used like any other.
//   2. Else one process at a time learns a kind: whoever gets the lock (learn.c).
//   3. The helper is made, before the program begins (helper.c here, and native/learn).
//   4. Code that importlib reads, source strings and regular expressions are recorded as they are first asked for:
//      module.c, sources.c, regexes.c, each into memory that the helper shares (log.c).
//   5. At the end of the process, what the helper has not made an archive of stays as a file of records, for the next
//      start's helper (learn.c).
//
// The program is never told of anything that fails here.
#ifndef PYCDS_RUNTIME_LEARN_H
#define PYCDS_RUNTIME_LEARN_H

#include <stdbool.h>

#include "../../cpython/pyapi.h"
#include "../../format/format.h"
#include "../../format/reject.h"
#include "status.h"

/* What this start does about learning; LEARN_OFF where nothing was asked. For a report. */
enum learn_status learn_status(void);
const char *learn_status_code(enum learn_status status);
const char *learn_status_sentence(enum learn_status status);
/* The directory that was asked for, or that of this user in it. */
const char *learn_directory(void);

/* Whether a directory was asked for: by the variable, or by the place built in beside `self`, the module. */
bool learn_is_wanted(PyObject *self);

/* Looks at the directory. Returns the path of this kind's archive when there is one; NULL: there is none. `baked`: of the
 * archive that the image has, beside which only what that lacks is learned; NULL: it has none. */
const char *learn_find(PyObject *self, const struct pycds_header *baked);

/* The start is over: gives back what only that needs. */
void learn_looked(void);

/* Whether an archive is one that learning may use: of this user or of root. */
bool learn_trusts(int descriptor);

/* Begins to record. `reject`: why the archive that was found is not used. */
void learn_start(enum pycds_reject reject);

/* The learned archive is in use, and a part of it turned out damaged: it is removed, for a later start to learn anew. */
void learn_damaged(void);
/* A module came from the learned archive. */
void learn_served(void);
/* A module was imported from its source though a learned archive is in use. */
void learn_missed(void);
/* The learned archive is in use. */
void learn_in_use(int descriptor);

#endif
