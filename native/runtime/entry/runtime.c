// SPDX-License-Identifier: Apache-2.0
#include "runtime.h"

#include "../archive/readahead.h"
#include "../decide/conditions.h"
#include "../decide/search.h"
#include "../host/report.h"
#include "../learn/learn.h"

struct runtime runtime;

enum pycds_miss runtime_find(enum archive_key key, struct text text, struct found *found) {
  enum pycds_miss told = PYCDS_MISS_NOT_ARCHIVED;
  for (unsigned i = runtime.count; i-- > 0;) {
    struct archive *archive = &runtime.archives[i];
    enum pycds_miss miss = archive_find(archive, key, text.bytes, text.length, found);
    if (miss == PYCDS_SERVED) return miss;
    if (miss == PYCDS_MISS_DAMAGED && archive == runtime.learned) learn_damaged();
    if (miss != PYCDS_MISS_NOT_ARCHIVED) told = miss;
  }
  return told;
}

void runtime_served(struct archive *archive) {
  readahead_served(archive);
  learn_served();
  if (archive == runtime.learned) report.learned++;
}

enum pycds_miss runtime_check(PyObject *path, const struct found *found) {
  struct facts facts = facts_of(found);
  return conditions_check(path, &facts, &found->archive->header);
}

enum pycds_miss runtime_check_source(const struct found *found) {
  const struct pycds_header *header = &found->archive->header;
  struct facts facts = facts_of(found);
  return search_check_source(&facts, header->validate, header->python_magic);
}
