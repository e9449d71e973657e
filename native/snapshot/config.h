// SPDX-License-Identifier: Apache-2.0
// CPython's own account of how it was started, struct PyConfig, of which only the members' order is known (config.def).
#ifndef PYCDS_SNAPSHOT_CONFIG_H
#define PYCDS_SNAPSHOT_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <wchar.h>

enum config_member {
#define MEMBER(kind, name, first, last, use) CONFIG_##name,
#include "config.def"
#undef MEMBER
  CONFIG_COUNT
};

/* PyWideStringList. */
struct config_list {
  intptr_t count;
  wchar_t **items;
};

/* Of the interpreter that the calling thread is in; NULL where its layout is not known. */
void *config_current(void);

/* Where a member is; NULL when this version has none of that name. */
void *config_member(void *config, enum config_member member);

/* The name of a member that keeps the interpreter from being frozen; NULL when there is none. */
const char *config_unfit(void *config);

/* Whether the standard streams have buffers. */
bool config_is_buffered(void *config);

/* XXH64 over all members that must be the same in two starts. */
uint64_t config_digest(void *config);

#endif
