// SPDX-License-Identifier: Apache-2.0
#include "runtime.h"

#include "../decide/conditions.h"
#include "../decide/search.h"
#include "../learn/learn.h"

struct runtime runtime;

enum pycds_miss runtime_find(enum archive_key key, struct text text, struct found *found) {
  if (!runtime.active) return PYCDS_MISS_NOT_ARCHIVED;
  enum pycds_miss miss = archive_find(&runtime.archive, key, text.bytes, text.length, found);
  if (miss == PYCDS_MISS_DAMAGED) learn_damaged();
  return miss;
}

enum pycds_miss runtime_check(PyObject *path, const struct found *found) {
  struct facts facts = facts_of(found);
  return conditions_check(path, &facts, &runtime.archive.header);
}

enum pycds_miss runtime_check_source(const struct found *found) {
  const struct pycds_header *header = &runtime.archive.header;
  struct facts facts = facts_of(found);
  return search_check_source(&facts, header->validate, header->python_magic);
}
