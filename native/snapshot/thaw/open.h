// SPDX-License-Identifier: Apache-2.0
#ifndef PYCDS_SNAPSHOT_OPEN_H
#define PYCDS_SNAPSHOT_OPEN_H

#include "../read.h"

struct opened {
  int fd;
  void *meta; /* SNAPSHOT_META_BYTES */
  struct snapshot snapshot;
};

/* Reads the lists of a snapshot and checks them. To be closed whatever it returns. */
enum snapshot_reject snapshot_open(const char *path, struct opened *opened);

void snapshot_close(struct opened *opened);

#endif
