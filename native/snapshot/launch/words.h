// SPDX-License-Identifier: Apache-2.0
// What the words of an entrypoint would start: a Python, and with which main program.
#ifndef PYCDS_SNAPSHOT_LAUNCH_WORDS_H
#define PYCDS_SNAPSHOT_LAUNCH_WORDS_H

#include <limits.h>
#include <stdbool.h>

#include "../thaw/program.h"

struct launched {
  char file[PATH_MAX];       /* what the kernel would be told to execute */
  char executable[PATH_MAX]; /* the interpreter: `file`, or the one that its first line names; as sys.executable */
  char **arguments;          /* of the interpreter, NULL at the end: sys.orig_argv */
  char **own;                /* and sys.argv */
  const char *comm;          /* as the kernel would name the process */
  const char *execfn;        /* and tell it what it was executed as */
  bool unbuffered;           /* option -u */
  struct main_program program;
  char path[PATH_MAX]; /* of a script: as Python would open it, absolute */
};

/* Reads them as the kernel and Python would, where they are of a simple form: no options but -u, and -c or -m, as words of their
 * own, and nothing but ASCII. False: they are of another. */
bool words_read(char **words, struct launched *launched);

#endif
