// SPDX-License-Identifier: Apache-2.0
// All that a started process gives to what replaces it, in one mapping at a fixed address: made by thaw/ in the old
// world, read by restore/ while there is none, and by freeze/resume.c in the new one, which unmaps it.
#ifndef PYCDS_SNAPSHOT_HANDOVER_H
#define PYCDS_SNAPSHOT_HANDOVER_H

#include <stdint.h>
#include <wchar.h>

#include "format.h"
#include "reject.h"

/* Within SNAPSHOT_WINDOW: the code that runs in between, its stack, the hand-over, and the code of a vdso that is on its way. */
#define HANDOVER_CODE SNAPSHOT_WINDOW
#define HANDOVER_STACK (SNAPSHOT_WINDOW + (UINT64_C(1) << 24))
#define HANDOVER_STACK_BYTES (UINT64_C(64) << 10)
#define HANDOVER_AT (SNAPSHOT_WINDOW + (UINT64_C(1) << 25))
#define HANDOVER_VDSO (SNAPSHOT_WINDOW + (UINT64_C(1) << 31))

#define HANDOVER_VERSION 5u

#define HANDOVER_SIGNALS 64
#define HANDOVER_MAX_MOVES 8

/* Entries of the auxiliary vector that differ between processes that are otherwise alike. Two of them are addresses, of
 * what lies on the kernel's stack. */
#define HANDOVER_AUXILIARY 6
#define HANDOVER_AUXILIARY_TYPES                                                                                       \
  { AT_UID, AT_EUID, AT_GID, AT_EGID, AT_EXECFN, AT_RANDOM }

/* The variable that tells a program that was started again why: a code of refusals.def, ':', and the name (comm) that
 * the process had. */
#define HANDOVER_VARIABLE "PYCDS_SNAPSHOT_REFUSED"
#define HANDOVER_VARIABLE_BYTES 96

struct handover_range {
  uint64_t start, end;
};

/* A region whose place was taken by the old world. */
struct handover_late {
  uint64_t address, bytes, offset;
  int32_t protection, flags, fd;
  uint32_t advice; /* enum snapshot_advice */
};

/* A region for whose place nothing has been mapped yet, since the old world has the same elsewhere. */
struct handover_kept {
  uint64_t from;
  struct handover_late region; /* should it not be possible to move it */
};

struct handover_move {
  uint64_t from, bytes, to;
  uint64_t over; /* where it is until the snapshot's regions are in their places; 0: it stays where it was */
};

/* A directory that has the names that it had in the template, and what it was before they were read. */
struct handover_listing {
  const char *path;
  uint64_t inode;
  int64_t seconds, nanoseconds; /* of its last change */
};
#define HANDOVER_MAX_LISTINGS 64

enum handover_disposition { HANDOVER_DEFAULT = 0, HANDOVER_IGNORED = 1, HANDOVER_HANDLER = 2 };

struct handover_list {
  uint64_t count;
  wchar_t **items;
};

/* Where words and variables begin and end, for the kernel's own accounts. */
struct handover_accounts {
  uint64_t arg_start, arg_end, env_start, env_end;
};

struct handover {
  uint32_t version;
  uint32_t reserved;
  uint64_t bytes; /* of this mapping */
  uint64_t code_bytes;

  /* ---- for restore/ ---- */
  uint64_t keep_count;
  struct handover_range *keep; /* sorted; all other user memory is unmapped */
  uint64_t kept_count;
  struct handover_kept *kept;
  uint64_t late_count;
  struct handover_late *late;
  uint64_t warm_count;
  struct handover_range *warm; /* pages that are made ready at once */
  uint64_t move_count;         /* of the vdso and its data */
  struct handover_move moves[HANDOVER_MAX_MOVES];
  uint64_t close_count;
  int32_t *close;
  uint32_t rseq_bytes, rseq_signature; /* what the old world's area was registered with; 0 bytes: none */
  struct snapshot_context context;

  /* To start the program again, when there is no way forward. */
  const char *program;
  char **arguments;
  char **variables; /* with `reason` among them */
  char *reason;     /* HANDOVER_VARIABLE "=CODE:comm", where CODE is of restore's choice */
  char comm[16];
  uint64_t mask; /* signals that the started process has blocked */

  /* ---- for freeze/resume.c ---- */
  uint64_t stack_end;                     /* where the number of arguments is, as the kernel puts it */
  struct handover_accounts accounts;      /* 0: as the kernel has them */
  uint64_t auxiliary[HANDOVER_AUXILIARY]; /* values of HANDOVER_AUXILIARY_TYPES */
  uint64_t variable_count;
  char **environment;                 /* C strings, NULL at the end */
  struct handover_list arguments_all; /* sys.orig_argv */
  struct handover_list arguments_own; /* sys.argv */
  uint64_t listing_count;
  struct handover_listing *listings;
  wchar_t *program_name, *run_command, *run_module, *run_filename;
  uint8_t closed[3];                          /* standard streams that are None */
  uint8_t unbuffered;                         /* those that are there */
  uint8_t dispositions[HANDOVER_SIGNALS + 1]; /* enum handover_disposition */
  uint64_t random[4];
  uint64_t stack_limit; /* RLIMIT_STACK, bytes */
  double began;         /* CLOCK_MONOTONIC, milliseconds */
};

/* Starts the program again, with its signal mask and the reason; ends the process with status 127 and a line on
 * stderr where that is denied. Does not return. */
typedef void handover_fallback_function(struct handover *, enum snapshot_reject);

#endif
