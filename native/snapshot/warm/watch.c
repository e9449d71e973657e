// SPDX-License-Identifier: Apache-2.0
// Stands in front of functions of the C library whose answers are another process' own, and counts who asks. It is
// preloaded into a template that is watched, and never into one that is frozen.
#define _GNU_SOURCE
#include "watch.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

extern char **environ;
static struct watch watch;

EXPORTED struct watch *pycds_watch(void) { return &watch; }

static void note_name(const char *name) {
  for (unsigned i = 0; i < watch.names && i < WATCH_NAMES; i++) {
    if (strncmp(watch.name[i], name, WATCH_NAME_BYTES) == 0) return;
  }
  if (watch.names < WATCH_NAMES && strlen(name) < WATCH_NAME_BYTES) strcpy(watch.name[watch.names], name);
  watch.names++;
}

static char *variable(const char *name) {
  size_t length = strlen(name);
  note_name(name);
  for (char **entry = environ; entry && *entry; entry++) {
    if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=') return *entry + length + 1;
  }
  return NULL;
}

EXPORTED char *getenv(const char *name) { return variable(name); }

EXPORTED char *secure_getenv(const char *name) { return variable(name); }

EXPORTED ssize_t getrandom(void *buffer, size_t bytes, unsigned flags) {
  watch.entropy++;
  return syscall(SYS_getrandom, buffer, bytes, flags);
}

EXPORTED int getentropy(void *buffer, size_t bytes) {
  watch.entropy++;
  return syscall(SYS_getrandom, buffer, bytes, 0) == (long)bytes ? 0 : -1;
}

static void note_clock(clockid_t clock) {
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) watch.clock++;
}

EXPORTED int clock_gettime(clockid_t clock, struct timespec *now) {
  note_clock(clock);
  return (int)syscall(SYS_clock_gettime, clock, now);
}

EXPORTED int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  note_clock(CLOCK_REALTIME);
  return (int)syscall(SYS_gettimeofday, now, zone);
}

EXPORTED time_t time(time_t *now) {
  note_clock(CLOCK_REALTIME);
  return (time_t)syscall(SYS_time, now);
}

EXPORTED pid_t getpid(void) {
  watch.process++;
  pid_t (*next)(void) = (pid_t(*)(void))dlsym(RTLD_NEXT, "getpid");
  return next();
}

EXPORTED int uname(struct utsname *names) {
  watch.host++;
  return (int)syscall(SYS_uname, names);
}

EXPORTED int gethostname(char *name, size_t bytes) {
  struct utsname names;
  int failed = uname(&names);
  if (!failed && bytes > 0) strncpy(name, names.nodename, bytes);
  return failed;
}
