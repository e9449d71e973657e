// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../format/hash.h"

extern char **environ;

/* How much of a variable counts, in bytes. */
static size_t obeyed(const char *variable) {
#define PREFIX(start)                                                                                                  \
  if (strncmp(variable, start, sizeof start - 1) == 0) return strlen(variable);
#define NAME(name)                                                                                                     \
  if (strncmp(variable, name "=", sizeof name) == 0) return strlen(variable);
#define SET(name)                                                                                                      \
  if (strncmp(variable, name "=", sizeof name) == 0) return sizeof name;
#define KEPT(name)
#define STREAMS(name)                                                                                                  \
  if (strncmp(variable, name "=", sizeof name) == 0) return 0;
#include "../cpython/environment.def"
#undef STREAMS
#undef KEPT
#undef PREFIX
#undef NAME
#undef SET
  return 0;
}

uint64_t environment_digest_of(const char *variable) {
  size_t bytes = obeyed(variable);
  return bytes ? pycds_hash(variable, bytes) : 0;
}

/* The order of variables is no matter: a sum. */
uint64_t environment_digest(void) {
  uint64_t sum = 0;
  for (char **entry = environ; entry && *entry; entry++) sum += environment_digest_of(*entry);
  return sum;
}

static struct snapshot_variable digests_of(const char *variable, size_t bytes) {
  size_t name = strcspn(variable, "=");
  return (struct snapshot_variable){(uint32_t)pycds_hash(variable, name), (uint32_t)pycds_hash(variable, bytes)};
}

void environment_take(struct snapshot_variable *variables) {
  unsigned count = 0;
  memset(variables, 0, SNAPSHOT_MAX_VARIABLES * sizeof *variables);
  for (char **entry = environ; entry && *entry && count < SNAPSHOT_MAX_VARIABLES; entry++) {
    size_t bytes = obeyed(*entry);
    if (bytes) variables[count++] = digests_of(*entry, bytes);
  }
}

static bool is_among(struct snapshot_variable one, const struct snapshot_variable *variables, bool by_name) {
  for (unsigned i = 0; i < SNAPSHOT_MAX_VARIABLES; i++) {
    if (variables[i].name == one.name && (by_name || variables[i].whole == one.whole)) return true;
  }
  return false;
}

/* Of those that have one name: what begins alike can have any. */
static const char *const names[] = {
#define PREFIX(start)
#define NAME(name) name,
#define SET(name) name,
#define KEPT(name)
#define STREAMS(name)
#include "../cpython/environment.def"
#undef STREAMS
#undef KEPT
#undef PREFIX
#undef NAME
#undef SET
    /* And those that images are known to set. */
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "MALLOC_ARENA_MAX",
    "PYTHON_VERSION",
    "PYTHON_SHA256",
    "PYTHON_SETUPTOOLS_VERSION",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONIOENCODING",
    "PYTHONPATH"};

bool environment_differing(const struct snapshot_variable *frozen, char *name, size_t most) {
  const struct snapshot_variable *last = &frozen[SNAPSHOT_MAX_VARIABLES - 1];
  bool are_all = last->name == 0 && last->whole == 0;
  for (char **entry = environ; entry && *entry; entry++) {
    size_t bytes = obeyed(*entry), length = strcspn(*entry, "=");
    if (!bytes) continue;
    struct snapshot_variable one = digests_of(*entry, bytes);
    if (is_among(one, frozen, false) || (!are_all && !is_among(one, frozen, true))) continue;
    snprintf(name, most, "%.*s", (int)length, *entry);
    return true;
  }
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    struct snapshot_variable one = digests_of(names[i], 0);
    if (getenv(names[i]) || !is_among(one, frozen, true)) continue;
    snprintf(name, most, "%s", names[i]);
    return true;
  }
  return false;
}
