// SPDX-License-Identifier: Apache-2.0
// What the runtime gives to its helper, and how both speak while they run.
//
// The helper is a process of its own, a copy of the one that learns, made before that one's program begins. It runs
// nothing but the code of this directory and the archiver's, which uses no C library: what it was copied from may have
// changed or locked anything of that. The records come through memory that both share, so that the program that is
// watched never waits, and makes no system call for them.
#ifndef PYCDS_LEARN_TASK_H
#define PYCDS_LEARN_TASK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "../format/format.h"
#include "../format/places.h"

/* Of the records of one start. */
#define LEARN_LOG_BYTES ((uint64_t)32 * 1024 * 1024)
/* A key in hexadecimal. */
#define LEARN_KEY_BYTES 17

/* Names in the directory, behind a key. */
#define LEARN_ARCHIVE PYCDS_LEARNED_ARCHIVE
#define LEARN_KEPT_RECORDS PYCDS_LEARNED_KEPT /* whole records, of which there is no archive yet */
#define LEARN_NOTES PYCDS_LEARNED_RECORDS     /* those of which there is one, without code */
#define LEARN_LOCK ".lock"                    /* held by the process that learns */
#define LEARN_TRIES PYCDS_LEARNED_TRIES       /* a byte for each time that somebody began to write the archive */
#define LEARN_TEMPORARY ".new"                /* in front of all of a name: what is being written */

enum learn_state {
  LEARN_WAITING = 0,
  LEARN_DONE,            /* the archive is there */
  LEARN_RIGHTS_CHANGED,  /* the process has other rights by now */
  LEARN_SHORT_OF_MEMORY, /* there is too little memory left in its group */
  LEARN_UNREADABLE,      /* the records are damaged, or of another interpreter */
  LEARN_NOT_WRITTEN,     /* the directory takes no file: it is full, or read-only */
  LEARN_NOT_COMPOSED,    /* the archiver refused them */
  LEARN_NOT_TAKEN        /* of a child: nobody takes its records, or no more of them */
};

struct learn_shared {
  _Atomic uint64_t length; /* bytes of the log that are whole records */
  _Atomic uint32_t bell;   /* a futex: the helper sleeps on it */
  _Atomic uint32_t ending; /* the process is about to end, and waits */
  _Atomic uint32_t state;  /* enum learn_state, set by the helper */
  uint8_t log[];
};

/* Of the whole memory. */
#define LEARN_SHARED_BYTES (sizeof(struct learn_shared) + LEARN_LOG_BYTES)

struct learn_task {
  struct learn_shared *shared;
  bool records;  /* those in the directory, instead of the shared ones */
  int directory; /* a descriptor */
  int pipe;      /* ends when the process ends or starts another program; children send their records through it */
  int parent;    /* its pid */
  char key[LEARN_KEY_BYTES];
  uint64_t limit; /* bytes of all files in the directory */
  /* Of the interpreter. */
  uint32_t hexversion;
  uint8_t optimize, identity_kind, identity_bytes;
  uint8_t identity[PYCDS_IDENTITY_BYTES];
  uint8_t magic[4];
};

/* The life of the helper, in the child. */
__attribute__((noreturn)) void learn_helper(const struct learn_task *task);

#endif
