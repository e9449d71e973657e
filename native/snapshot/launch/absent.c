// SPDX-License-Identifier: Apache-2.0
// For a processor that has no snapshots: a Dockerfile for several has one entrypoint.
#include "start.h"

#include <stddef.h>

enum snapshot_reject start_at_once(char **words) {
  (void)words;
  return SNAPSHOT_REJECT_BUILD;
}

const char *start_python(void) { return NULL; }
