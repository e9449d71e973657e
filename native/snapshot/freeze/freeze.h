// SPDX-License-Identifier: Apache-2.0
// The library that is preloaded into an interpreter to freeze it, and stays in all that are made of it.
//
//   start.c    takes the place of the program's main, and starts the interpreter
//   secret.c   gives it the secret of hash() that all templates of a bake have
//   prepare.c  makes the started interpreter fit to be frozen
//   stamps.c   what it has looked at
//   relocate.c  moves what lies where a stack may be
//   dump.c     writes the memory of a forked child, by system calls alone
//   seal.c     checksums
//   warm.c     sees which pages every start changes
//   resume.c   goes on in a process that was replaced
#ifndef PYCDS_SNAPSHOT_FREEZE_H
#define PYCDS_SNAPSHOT_FREEZE_H

#include <stdbool.h>
#include <sys/types.h>

#include "../cpu.h"
#include "../handover.h"
#include "../interpreter.h"
#include "../template.h"

#define FREEZE_EXIT_REFUSED 3
#define FREEZE_STACK_BYTES (UINT64_C(4) << 20)
/* Memory of the freeze itself, which is not dumped: it lies in the window of the thaw. */
#define FREEZE_SCRATCH SNAPSHOT_WINDOW
#define FREEZE_SCRATCH_BYTES (UINT64_C(32) << 20)
#define FREEZE_TEXT_BYTES (UINT64_C(8) << 20)
#define FREEZE_PAGEMAP_WORDS 65536
/* More of them can be open, and are refused. */
#define FREEZE_DESCRIPTORS 1024

/* Signals that glibc keeps for itself. */
#define FREEZE_INTERNAL_FIRST 32
#define FREEZE_INTERNAL_LAST 33

/* What becomes the file, and what is read to make it. */
struct scratch {
  struct snapshot_header header;
  struct snapshot_region regions[SNAPSHOT_MAX_REGIONS];
  struct snapshot_file files[SNAPSHOT_MAX_FILES];
  struct snapshot_stamp stamps[SNAPSHOT_MAX_STAMPS];
  struct snapshot_symbol symbols[SNAPSHOT_MAX_SYMBOLS];
  struct snapshot_range warm[SNAPSHOT_MAX_WARM];
  struct snapshot_program programs[SNAPSHOT_MAX_PROGRAMS];
  struct snapshot_pages ahead[SNAPSHOT_MAX_AHEAD];
  uint32_t folders[SNAPSHOT_MAX_FOLDERS];
  char strings[SNAPSHOT_MAX_STRINGS];
  uint8_t vdso[SNAPSHOT_MAX_VDSO];
  uint8_t meta[SNAPSHOT_META_BYTES];
  uint64_t pagemap[FREEZE_PAGEMAP_WORDS];
  char text[FREEZE_TEXT_BYTES];
};

extern struct freeze {
  const char *path; /* of the file that is written; NULL: this process is no template */
  char **arguments; /* of the template */
  enum cpu_policy policy;
  const char *known; /* a line of a .pth file that may run code in the template alone; or NULL */
  struct template_hook hook;
  bool hooked;
  bool dumping;                       /* the next fork is the one */
  bool shows_pid;                     /* getpid says what it says elsewhere */
  bool inherited[FREEZE_DESCRIPTORS]; /* which were open at the start */
  struct scratch *scratch;
  char *imports;     /* statements that the start which is looked at begins with; or NULL */
  uint32_t programs; /* how many of the scratch are to be added when it is known what a start costs */
  char *stack;       /* of FREEZE_STACK_BYTES, which everything from the start of the interpreter on runs on */

  uint64_t *auxiliary; /* the vector, where relocate.c has moved it */
  struct {
    uint64_t start_code, end_code, start_data, end_data;
  } accounts;       /* the kernel's, of the program */
  uint64_t guard;   /* page behind the break that keeps the heap from growing there; 0: none */
  PyObject *resume; /* resume.py's function */
  struct snapshot_context context;
  struct handover *handover; /* in a process that was replaced */
} freeze;

/* Says on stderr why this interpreter cannot be frozen, and ends the process. */
__attribute__((noreturn, format(printf, 1, 2))) void freeze_refuse(const char *format, ...);

/* On the private stack, with the interpreter started and no frame of Python active. */
__attribute__((noreturn)) void freeze_template(void);

void prepare_interpreter(void);
void prepare_variables(void);
void prepare_memory(void);
void relocate_stack(void);
void relocate_vdso(void);

/* Child handler of fork. */
void dump_at_fork(void);

/* Makes a written file one that is used. */
void freeze_seal(const char *path);

/* Notes a directory by a file in it, where it is not noted yet and there is room. */
void freeze_folder(const char *file);

/* Before the starts that are looked at: has it find the pages of the file on the disk, and read only what it asks for. Seals the
 * file. */
void freeze_ahead_begin(const char *path, struct snapshot_header *header);

/* While one stands still: which pages it has read, and those before it, into the scratch. */
void freeze_ahead_look(const char *path, const struct snapshot_header *header, pid_t pid);

/* Has later starts read as ever. */
void freeze_ahead_end(struct snapshot_header *header);

/* Adds to a sealed file what one start of it reads and changes and what starts cost, and the programs that it is used for; leaves it
 * unsealed. */
void freeze_warm(const char *path);

/* Goes on as the program that was started. */
__attribute__((noreturn)) void resume_program(void);

/* Adds a text to the strings; 0 for an empty one. Without a C library. Returns 0 as well when there is no room. */
uint32_t scratch_string(struct scratch *scratch, const char *text, uint64_t length);

#endif
