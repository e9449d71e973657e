// SPDX-License-Identifier: Apache-2.0
// Stands in front of functions of the C library whose answers are another process' own, and counts who asks. It is
// preloaded into a template that is watched, and never into one that is frozen.
#define _GNU_SOURCE
#include "watch.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

/* How much CPython draws for the state of a generator of the module random. */
#define GENERATOR_BYTES 2496
/* Another year, month, day of the week, hour and minute. */
#define LATER_SECONDS (400 * 86400 + 5 * 3600 + 420)

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

static char *find_in(char **variables, const char *name) {
  size_t length = strlen(name);
  for (char **entry = variables; entry && *entry; entry++) {
    if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=') return *entry + length + 1;
  }
  return NULL;
}

static char *variable(const char *name) {
  note_name(name);
  return find_in(environ, name);
}

/* What differs between processes is another than it is. */
static bool elsewhere;

__attribute__((constructor)) static void start(int count, char **arguments, char **variables) {
  (void)count;
  (void)arguments;
  const char *value = find_in(variables, WATCH_VARIABLE);
  elsewhere = value && strcmp(value, WATCH_ELSEWHERE) == 0;
}

EXPORTED char *getenv(const char *name) { return variable(name); }

EXPORTED char *secure_getenv(const char *name) { return variable(name); }

static void note_entropy(size_t bytes) {
  if (bytes == GENERATOR_BYTES)
    watch.seeds++;
  else
    watch.entropy++;
}

EXPORTED ssize_t getrandom(void *buffer, size_t bytes, unsigned flags) {
  note_entropy(bytes);
  return syscall(SYS_getrandom, buffer, bytes, flags);
}

EXPORTED int getentropy(void *buffer, size_t bytes) {
  note_entropy(bytes);
  return syscall(SYS_getrandom, buffer, bytes, 0) == (long)bytes ? 0 : -1;
}

static bool is_real(clockid_t clock) { return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE; }

EXPORTED int clock_gettime(clockid_t clock, struct timespec *now) {
  int failed = (int)syscall(SYS_clock_gettime, clock, now);
  if (!is_real(clock)) return failed;
  watch.clock++;
  if (!failed && elsewhere) now->tv_sec += LATER_SECONDS;
  return failed;
}

EXPORTED int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  int failed = (int)syscall(SYS_gettimeofday, now, zone);
  watch.clock++;
  if (!failed && elsewhere) now->tv_sec += LATER_SECONDS;
  return failed;
}

EXPORTED time_t time(time_t *now) {
  time_t seconds = (time_t)syscall(SYS_time, NULL);
  watch.clock++;
  if (elsewhere) seconds += LATER_SECONDS;
  if (now) *now = seconds;
  return seconds;
}

EXPORTED pid_t getpid(void) {
  watch.process++;
  pid_t (*next)(void) = (pid_t(*)(void))dlsym(RTLD_NEXT, "getpid");
  return next() + elsewhere;
}

EXPORTED int uname(struct utsname *names) {
  watch.host++;
  int failed = (int)syscall(SYS_uname, names);
  /* The kind of system and processor is the same wherever a snapshot is used. */
  if (!failed && elsewhere) {
    strcpy(names->nodename, "elsewhere");
    strcpy(names->release, "9.9.9");
    strcpy(names->version, "#9");
  }
  return failed;
}

EXPORTED int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *library) {
  int (*next)(void (*)(void), void (*)(void), void (*)(void), void *) =
      (int (*)(void (*)(void), void (*)(void), void (*)(void), void *))dlsym(RTLD_NEXT, "__register_atfork");
  if (prepare) watch.fork++;
  return next(prepare, parent, child, library);
}

EXPORTED int gethostname(char *name, size_t bytes) {
  struct utsname names;
  int failed = uname(&names);
  if (!failed && bytes > 0) strncpy(name, names.nodename, bytes);
  return failed;
}
