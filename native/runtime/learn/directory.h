// SPDX-License-Identifier: Apache-2.0
// The directory of learned archives. What lies in it is run: nobody but this user and root may put anything there.
#ifndef PYCDS_RUNTIME_LEARN_DIRECTORY_H
#define PYCDS_RUNTIME_LEARN_DIRECTORY_H

#include <stdint.h>

#include "status.h"

#define DIRECTORY_PATH_BYTES 4096

struct directory {
  int descriptor; /* out of the way of what programs expect and close; -1: closed */
  uint64_t device, inode;
  char path[DIRECTORY_PATH_BYTES];
};

/* Opens what `path` names, or in one that others may write to a directory of this user's own, which is made if need be.
 * LEARN_OFF, or why it is not used. */
enum learn_status directory_open(const char *path, struct directory *out);

/* Closes the descriptor: a program that changes its root must not have one that leads out of it, and what has its number
 * after the program has closed everything is the program's. */
void directory_close(struct directory *directory);

/* A descriptor of the same directory, for the caller to close; -1 when the path does not lead there any more. */
int directory_again(const struct directory *directory);

/* A descriptor for the same with a number out of the way; -1 when there is none. Closes the given one. */
int directory_move(long descriptor);

#endif
