// SPDX-License-Identifier: Apache-2.0
#include "runtime.h"

#include "../decide/conditions.h"

struct runtime runtime;

enum pycds_miss runtime_find(struct text name, struct found *found) {
  if (!runtime.active) return PYCDS_MISS_NOT_ARCHIVED;
  return archive_find(&runtime.archive, name.bytes, name.length, found);
}

enum pycds_miss runtime_check(PyObject *path, const struct found *found) {
  struct facts facts = facts_of(found);
  return conditions_check(path, &facts, &runtime.archive.header);
}
