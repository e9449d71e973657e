// SPDX-License-Identifier: Apache-2.0
// The directory of learned archives. What lies in it is run: nobody but this user and root may put anything there.
#ifndef PYCDS_RUNTIME_LEARN_DIRECTORY_H
#define PYCDS_RUNTIME_LEARN_DIRECTORY_H

#include "status.h"

#define DIRECTORY_PATH_BYTES 4096

struct directory {
  int descriptor; /* out of the way of what programs expect and close */
  char path[DIRECTORY_PATH_BYTES];
};

/* Opens what `path` names, or in one that others may write to a directory of this user's own, which is made if need be.
 * LEARN_OFF, or why it is not used. */
enum learn_status directory_open(const char *path, struct directory *out);

/* A descriptor for the same with a number out of the way; -1 when there is none. Closes the given one. */
int directory_move(long descriptor);

#endif
