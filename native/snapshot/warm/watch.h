// SPDX-License-Identifier: Apache-2.0
#ifndef PYCDS_SNAPSHOT_WATCH_H
#define PYCDS_SNAPSHOT_WATCH_H

#include <stdbool.h>
#include <stddef.h>

/* Set: a template is watched. To WATCH_ELSEWHERE: at another time, on another host, as another process. To WATCH_AGAIN: as it
 * is, with objects at other addresses. */
#define WATCH_VARIABLE "PYCDS_FREEZE_WATCH"
#define WATCH_ELSEWHERE "elsewhere"
#define WATCH_AGAIN "again"
/* Another year, month, day of the week, hour and minute. */
#define WATCH_LATER_SECONDS (400 * 86400 + 5 * 3600 + 420)
#define WATCH_NAMES 512
#define WATCH_NAME_BYTES 64
#define WATCH_ASKERS 32
#define WATCH_KEYS 32
#define WATCH_KEY_BYTES 16

/* WATCH_NUMBERS: which file an open descriptor of random bytes is of. */
enum watch_kind { WATCH_ENTROPY, WATCH_TIME, WATCH_PID, WATCH_HOST, WATCH_GENERATOR, WATCH_VARIABLES, WATCH_NUMBERS };

/* A library that has asked for one of these: the name of its file, or nothing for the interpreter itself. Of WATCH_GENERATOR, that
 * OpenSSL was given one, and WATCH_VARIABLES the name of the function. */
struct watch_asker {
  enum watch_kind kind;
  size_t bytes;   /* of each answer, where it has random ones; else 0 */
  unsigned times; /* that it has asked for as many */
  char library[WATCH_NAME_BYTES];
};

/* Random bytes of which the library itself said that they need not be safe (GRND_INSECURE): Rust's keys of hash maps. */
struct watch_keys {
  const void *map; /* struct link_map */
  unsigned char bytes[WATCH_KEY_BYTES];
};

/* A variable that was read. */
struct watch_name {
  const void *map; /* struct link_map of who has read it; NULL: it is not known */
  char name[WATCH_NAME_BYTES];
};

struct watch {
  unsigned askers; /* more than WATCH_ASKERS: some are missing */
  struct watch_asker asker[WATCH_ASKERS];
  unsigned keys;
  struct watch_keys key[WATCH_KEYS];
  unsigned seeds;      /* how often as many random bytes were drawn as a generator of the module random takes */
  unsigned fork;       /* handlers that libraries have set for the time before a fork */
  unsigned processors; /* how often their number was asked for */
  unsigned
      terminals; /* which of the standard streams (1, 2, 4) were asked whether they are one, and which are (8, 16, 32) */
  unsigned input; /* how often standard input was read, or where it stands was asked for or changed */
  unsigned zone;  /* how often somebody went by the zone of the time */
  unsigned names; /* of variables that were read; more than WATCH_NAMES: some are missing */
  struct watch_name name[WATCH_NAMES];
};

/* NULL in a template that is not watched, as is the next. */
__attribute__((weak)) struct watch *pycds_watch(void);

/* Writes lines "REASON detail=number" of what the kernel and the C library keep for this process: as long as the numbers are
 * the same, nothing of it has changed.
 * @return  bytes written, without a NUL; not less than `room`: there is more */
__attribute__((weak)) size_t pycds_watch_state(char *bytes, size_t room);

/* Within the library alone: whether what differs between processes is another than it is. */
bool watch_is_elsewhere(void);

/* Somebody reads standard input, or moves in it. */
void watch_note_input(void);

/* As many random bytes were drawn, and not for a generator of the module random. */
void watch_note_drawn(size_t bytes, const void *caller);

#endif
