// SPDX-License-Identifier: Apache-2.0
#ifndef PYCDS_SNAPSHOT_WATCH_H
#define PYCDS_SNAPSHOT_WATCH_H

#define WATCH_NAMES 256
#define WATCH_NAME_BYTES 64

struct watch {
  unsigned entropy, clock, process, host; /* how often each was asked for */
  unsigned names;                         /* of variables that were read; more than WATCH_NAMES: some are missing */
  char name[WATCH_NAMES][WATCH_NAME_BYTES];
};

/* NULL in a template that is not watched. */
__attribute__((weak)) struct watch *pycds_watch(void);

#endif
