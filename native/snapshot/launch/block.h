// SPDX-License-Identifier: Apache-2.0
// The words, variables and values that a kernel puts at the end of a new program's stack.
#ifndef PYCDS_SNAPSHOT_LAUNCH_BLOCK_H
#define PYCDS_SNAPSHOT_LAUNCH_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "../handover.h"

struct block {
  uint64_t *start; /* where the number of arguments is; a multiple of 16 */
  const char *execfn;
  struct handover_accounts accounts;
};

/* How many bytes one with these needs. `values`: the auxiliary vector. */
size_t block_bytes(char *const *arguments, char *const *variables, const uint64_t *values, const char *execfn);

/* Makes it in memory of that size, as the kernel would for a program that is started by the path `execfn`. */
struct block block_make(void *memory, char *const *arguments, char *const *variables, const uint64_t *values,
                        const char *execfn);

#endif
