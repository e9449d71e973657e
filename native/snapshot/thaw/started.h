// SPDX-License-Identifier: Apache-2.0
// What the program that goes on in a snapshot was started with.
#ifndef PYCDS_SNAPSHOT_STARTED_H
#define PYCDS_SNAPSHOT_STARTED_H

#include <stdbool.h>

#include "../handover.h"

struct started {
  /* To start it again, when there is no way forward: as the kernel was told. */
  const char *program;
  char *const *arguments, *const *variables;

  char *const *environment;      /* as Python has it: the variables, and what Python adds */
  struct handover_list all, own; /* sys.orig_argv and sys.argv */
  const wchar_t *program_name;
  const wchar_t *run_command, *run_module, *run_filename; /* NULL: it is another kind */
  bool closed[3];                                         /* standard streams that are None */
  bool unbuffered;                                        /* those that are there */
  int descriptor;                                         /* one more to be closed; -1: none */
  /* Where the kernel's block of words and variables is, where it is another one than the kernel's own; else 0. */
  struct handover_accounts accounts;
  const char *execfn;           /* of AT_EXECFN; NULL: as the kernel says */
  bool (*is_interrupted)(void); /* NULL: a signal ends this process */
};

#endif
