// SPDX-License-Identifier: Apache-2.0
#ifndef PYCDS_LEARN_SHARED_H
#define PYCDS_LEARN_SHARED_H

#include <stddef.h>
#include <sys/mman.h>

#include "../static/sys/syscalls.h"
#include "task.h"

/* Maps the memory that a process and its helper share: that behind a descriptor, or, with -1, new. NULL: there is no
 * room. */
static inline struct learn_shared *learn_map(int descriptor) {
  const int flags = MAP_SHARED | MAP_NORESERVE | (descriptor < 0 ? MAP_ANONYMOUS : 0);
  long at = call6(SYS_mmap, 0, (long)LEARN_SHARED_BYTES, PROT_READ | PROT_WRITE, flags, descriptor, 0);
  return at < 0 && at > -4096 ? NULL : (struct learn_shared *)at;
}

#endif
