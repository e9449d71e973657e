// SPDX-License-Identifier: Apache-2.0
// How an interpreter was started and what it is by the time of its hook: taken down in a template, compared at a start.
#ifndef PYCDS_SNAPSHOT_KEY_H
#define PYCDS_SNAPSHOT_KEY_H

#include <stdbool.h>

#include "format.h"
#include "interpreter.h"
#include "reject.h"

/* What only the hook's own frames know. */
struct key_site {
  int descriptor; /* of the .pth file that site is reading; -1: it has been closed */
};

/* Whether site, at the start of the interpreter, is what runs the calling code. Leaves no exception. */
bool key_at_start(struct key_site *site);

/* False when something cannot be taken down. Leaves no exception. */
bool key_take(struct snapshot_key *key);

/* The first difference. */
enum snapshot_reject key_compare(const struct snapshot_key *here, const struct snapshot_key *frozen);

#endif
