// SPDX-License-Identifier: Apache-2.0
// How long a thaw takes: it is told by one process, and began in what that was before.
#ifndef PYCDS_SNAPSHOT_CLOCK_H
#define PYCDS_SNAPSHOT_CLOCK_H

#include <time.h>

/* Milliseconds since some fixed moment. */
static inline double clock_milliseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

#endif
