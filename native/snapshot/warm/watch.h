// SPDX-License-Identifier: Apache-2.0
#ifndef PYCDS_SNAPSHOT_WATCH_H
#define PYCDS_SNAPSHOT_WATCH_H

/* Set: a template is watched. To WATCH_ELSEWHERE: at another time, on another host, as another process. To WATCH_AGAIN: as it
 * is, with objects at other addresses. */
#define WATCH_VARIABLE "PYCDS_FREEZE_WATCH"
#define WATCH_ELSEWHERE "elsewhere"
#define WATCH_AGAIN "again"
#define WATCH_NAMES 256
#define WATCH_NAME_BYTES 64

struct watch {
  unsigned entropy, clock, process, host; /* how often each was asked for */
  unsigned seeds;                         /* how often as many random bytes as a generator of the module random takes */
  unsigned fork;                          /* handlers that libraries have set for the time before a fork */
  unsigned names;                         /* of variables that were read; more than WATCH_NAMES: some are missing */
  char name[WATCH_NAMES][WATCH_NAME_BYTES];
};

/* NULL in a template that is not watched. */
__attribute__((weak)) struct watch *pycds_watch(void);

#endif
