// SPDX-License-Identifier: Apache-2.0
// What a process must be, beside how its interpreter was started, to be replaced by a snapshot.
#ifndef PYCDS_SNAPSHOT_CONDITIONS_H
#define PYCDS_SNAPSHOT_CONDITIONS_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "../handover.h"
#include "../read.h"

/* Of a file, and never written to: what the process executes, and its constants. */
struct process_part {
  uint64_t start, bytes, offset;
  int protection;
  dev_t device;
  ino_t inode;
};
#define PROCESS_MAX_PARTS 32

/* What the kernel says of this process. */
struct process {
  struct handover_range stack;
  struct handover_range vdso;
  struct handover_range vvar;                     /* from the first of its parts to the vdso; empty: none */
  struct handover_move parts[HANDOVER_MAX_MOVES]; /* of vvar and vdso, `to` not yet known */
  int part_count;
  struct process_part kept[PROCESS_MAX_PARTS]; /* that are worth to be taken over */
  int kept_count;
  char *command_line; /* words that end with NUL */
  uint64_t command_line_bytes;
  uint8_t dispositions[HANDOVER_SIGNALS + 1]; /* enum handover_disposition */
  uint64_t *stack_end;                        /* where the number of arguments is; not looked at */
  char comm[16];
  struct handover_listing listings[HANDOVER_MAX_LISTINGS]; /* with paths of the snapshot */
  uint32_t listing_count;
  /* Whether the interpreter knows the names in a directory, as long as that is not changed, and has them used: then the digest of
   * them, as listing_digest has it, and what the directory is. NULL: there is none. */
  bool (*has_listed)(const char *path, uint64_t *digest, struct stat *status);
};

/* Room for what the kernel tells of a process. */
#define PROCESS_TEXT_BYTES (UINT64_C(1) << 20)

/* Looks at the process; `text` is memory for its work, which the result refers to. */
enum snapshot_reject process_look(struct process *process, char *text, uint64_t text_bytes);

/* Whether all that the start of the interpreter, and what it had imported, read is as it was; else the path that is not. The
 * process is told which directories were listed. */
enum snapshot_reject stamps_check(const struct snapshot *snapshot, struct process *process, const char **changed);

#endif
