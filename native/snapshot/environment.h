// SPDX-License-Identifier: Apache-2.0
// Variables that the start of the interpreter or of the C library obeys: environment.def.
#ifndef PYCDS_SNAPSHOT_ENVIRONMENT_H
#define PYCDS_SNAPSHOT_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format.h"

/* Over all of them, in whatever order they are. */
uint64_t environment_digest(void);

/* What the digest is more with this variable (NAME=VALUE) among them. */
uint64_t environment_digest_of(const char *variable);

/* SNAPSHOT_MAX_VARIABLES of them. */
void environment_take(struct snapshot_variable *variables);

/* Which variable is not as it was; false: that cannot be told. */
bool environment_differing(const struct snapshot_variable *frozen, char *name, size_t most);

#endif
