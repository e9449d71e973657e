// SPDX-License-Identifier: Apache-2.0
// What the kernel's files say of a process and of the group whose limits it has.
#ifndef PYCDS_LEARN_SURROUNDINGS_H
#define PYCDS_LEARN_SURROUNDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No limit, or none that can be seen. */
#define ROOM_UNKNOWN INT64_MAX

/* Bytes that the group may still use; what it has cached of files counts as free. */
int64_t room_of_memory(void);

/* What is left to the program: where there is less, the records, which are memory too, are not begun. */
#define LEARN_ROOM_BYTES ((int64_t)64 * 1024 * 1024)

/* Whether a file of this process may be so large (RLIMIT_FSIZE): one that becomes larger costs it its life. */
bool may_be_so_large(uint64_t bytes);

/* Bytes that this process may still map (RLIMIT_AS). */
int64_t room_of_addresses(void);

/* Processes and threads that the group may still have. */
int64_t room_of_processes(void);

/* The rights of this process as a number, another one for others; 0 where they cannot be seen. */
uint64_t own_rights(void);

/* Whether a process has exactly the rights of this one. False, too, where that cannot be seen. */
bool same_rights(int pid);

#endif
