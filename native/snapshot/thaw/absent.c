// SPDX-License-Identifier: Apache-2.0
// Where there are no snapshots: in the place of the other files of this folder.
#include <string.h>

#include "thaw.h"

enum snapshot_reject thaw(const char **path) {
  if (!*path) return SNAPSHOT_ACCEPTED;
  return strcmp(*path, "off") == 0 ? SNAPSHOT_REJECT_OFF : SNAPSHOT_REJECT_BUILD;
}

bool thaw_is_template(PyObject *self, void (*run)(void *self, double milliseconds),
                      bool (*adopt)(PyObject *table, PyObject *key, PyObject *may, PyObject *put)) {
  (void)adopt;
  (void)self;
  (void)run;
  return false;
}
