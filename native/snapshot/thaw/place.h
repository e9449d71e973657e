// SPDX-License-Identifier: Apache-2.0
// Maps a snapshot's regions beside the old world, wherever their places are free. All of it can be undone.
#ifndef PYCDS_SNAPSHOT_PLACE_H
#define PYCDS_SNAPSHOT_PLACE_H

#include <stdbool.h>

#include "../handover.h"
#include "../read.h"
#include "conditions.h"

struct placement {
  int fd; /* of the snapshot */
  uint32_t mapped_count, late_count, file_count;
  uint32_t mapped[SNAPSHOT_MAX_REGIONS]; /* numbers of regions, ascending */
  uint32_t late[SNAPSHOT_MAX_REGIONS];
  int files[SNAPSHOT_MAX_FILES]; /* descriptors; -1: not open */
  struct {
    dev_t device;
    ino_t inode;
  } identities[SNAPSHOT_MAX_FILES];
  /* What the process has mapped of the same files. It comes to the places that are kept free for it, in `mapped`; or it is there,
   * in neither of the lists. */
  struct {
    uint64_t from;
    uint32_t number; /* of the region */
  } kept[PROCESS_MAX_PARTS];
  uint32_t kept_count;
  int pagemap;      /* /proc/self/pagemap while regions are placed; -1: it cannot be read */
  bool patched;     /* the vdso is an image of the frozen one, at its old place */
  bool vdso_in_way; /* something needs the place where the process has its vdso */
};

/* How a region is mapped. */
int place_flags(const struct snapshot_region *region);

/* `stack_limit`: RLIMIT_STACK, in bytes. On success every region is mapped, or is late: its place is taken by what the thaw unmaps. On failure nothing is. */
enum snapshot_reject place_regions(struct placement *placement, const struct snapshot *snapshot,
                                   const struct process *process, uint64_t stack_limit);

/* Makes it possible to have the vdso where the snapshot expects it, and not where it is now if it is in the way there. After place_regions; on failure as before. */
enum snapshot_reject place_vdso(struct placement *placement, const struct snapshot *snapshot,
                                const struct process *process);

/* Unmaps and closes all. */
void place_undo(struct placement *placement, const struct snapshot *snapshot);

#endif
