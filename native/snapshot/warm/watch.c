// SPDX-License-Identifier: Apache-2.0
// Stands in front of functions of the C library whose answers are another process' own, and counts who asks. It is
// preloaded into a template that is watched, and never into one that is frozen.
#define _GNU_SOURCE
#include "watch.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* linux/random.h; of glibc since 2.32. */
#ifndef GRND_INSECURE
#define GRND_INSECURE 4
#endif
#define EXPORTED __attribute__((visibility("default")))

/* How much CPython draws for the state of a generator of the module random. */
#define GENERATOR_BYTES 2496

extern char **environ;
static struct watch watch;

EXPORTED struct watch *pycds_watch(void) { return &watch; }

#define CALLER __builtin_return_address(0)

static void note_name(const char *name, const void *caller) {
  Dl_info info;
  void *map = NULL;
  if (!dladdr1(caller, &info, &map, RTLD_DL_LINKMAP)) map = NULL;
  for (unsigned i = 0; i < watch.names && i < WATCH_NAMES; i++) {
    if (watch.name[i].map == map && strncmp(watch.name[i].name, name, WATCH_NAME_BYTES) == 0) return;
  }
  if (watch.names < WATCH_NAMES && strlen(name) < WATCH_NAME_BYTES) {
    watch.name[watch.names].map = map;
    strcpy(watch.name[watch.names].name, name);
  }
  watch.names++;
}

static char *find_in(char **variables, const char *name) {
  size_t length = strlen(name);
  for (char **entry = variables; entry && *entry; entry++) {
    if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=') return *entry + length + 1;
  }
  return NULL;
}

static char *variable(const char *name, const void *caller) {
  note_name(name, caller);
  return find_in(environ, name);
}

/* What differs between processes is another than it is. */
static bool elsewhere;

bool watch_is_elsewhere(void) { return elsewhere; }

__attribute__((constructor)) static void start(int count, char **arguments, char **variables) {
  (void)count;
  (void)arguments;
  const char *value = find_in(variables, WATCH_VARIABLE);
  elsewhere = value && strcmp(value, WATCH_ELSEWHERE) == 0;
}

EXPORTED char *getenv(const char *name) { return variable(name, CALLER); }

EXPORTED char *secure_getenv(const char *name) { return variable(name, CALLER); }

/* One that is there with the same value, or is not there, is no other than before. */
EXPORTED int setenv(const char *name, const char *value, int replace) {
  int (*next)(const char *, const char *, int) = (int (*)(const char *, const char *, int))dlsym(RTLD_NEXT, "setenv");
  if (name) note_name(name, CALLER);
  return next(name, value, replace);
}

EXPORTED int unsetenv(const char *name) {
  int (*next)(const char *) = (int (*)(const char *))dlsym(RTLD_NEXT, "unsetenv");
  if (name) note_name(name, CALLER);
  return next(name);
}

/* The interpreter itself, whose name may be any. */
static const void *interpreter(void) {
  static const void *base;
  Dl_info info;
  const void *symbol = base ? NULL : dlsym(RTLD_DEFAULT, "Py_GetVersion");
  if (symbol && dladdr(symbol, &info)) base = info.dli_fbase;
  return base;
}

static void note_by(enum watch_kind kind, size_t bytes, const char *library) {
  for (unsigned i = 0; i < watch.askers && i < WATCH_ASKERS; i++) {
    struct watch_asker *one = &watch.asker[i];
    if (one->kind != kind || one->bytes != bytes || strncmp(one->library, library, WATCH_NAME_BYTES - 1) != 0) continue;
    one->times++;
    return;
  }
  if (watch.askers < WATCH_ASKERS) {
    struct watch_asker *one = &watch.asker[watch.askers];
    one->kind = kind;
    one->bytes = bytes;
    one->times = 1;
    memset(one->library, 0, WATCH_NAME_BYTES);
    for (size_t i = 0; library[i] && i < WATCH_NAME_BYTES - 1; i++) one->library[i] = library[i];
  }
  watch.askers++;
}

/* Whose answer is another process' own. The interpreter asks for what Python code has asked it for. */
static void note_bytes(enum watch_kind kind, size_t bytes, const void *caller) {
  Dl_info info = {0};
  const char *path = dladdr(caller, &info) && info.dli_fname ? info.dli_fname : "unknown.so",
             *slash = strrchr(path, '/');
  note_by(kind, bytes, info.dli_fbase && info.dli_fbase == interpreter() ? "" : slash ? slash + 1 : path);
}

static void note(enum watch_kind kind, const void *caller) { note_bytes(kind, 0, caller); }

/* Whether a library has not done so before. */
static bool is_first_byte_of(const void *caller) {
  static const void *known[WATCH_ASKERS];
  static unsigned count;
  Dl_info info;
  if (!dladdr(caller, &info)) return false;
  for (unsigned i = 0; i < count; i++) {
    if (known[i] == info.dli_fbase) return false;
  }
  if (count == WATCH_ASKERS) return false;
  known[count++] = info.dli_fbase;
  return true;
}

/* A single byte is no secret: some see by it whether the kernel has the call. */
static void note_entropy(size_t bytes, const void *caller) {
  if (bytes == GENERATOR_BYTES)
    watch.seeds++;
  else if (bytes > 1 || (bytes == 1 && !is_first_byte_of(caller)))
    note_bytes(WATCH_ENTROPY, bytes, caller);
}

void watch_note_input(void) { watch.input++; }

void watch_note_drawn(size_t bytes, const void *caller) { note_bytes(WATCH_ENTROPY, bytes, caller); }

/* Whether these are keys of hash maps, which are found again by their value. */
static bool note_keys(const void *buffer, const void *caller) {
  Dl_info info;
  void *map;
  if (watch.keys == WATCH_KEYS || !dladdr1(caller, &info, &map, RTLD_DL_LINKMAP)) return false;
  struct watch_keys *one = &watch.key[watch.keys++];
  one->map = map;
  memcpy(one->bytes, buffer, sizeof one->bytes);
  return true;
}

static long (*next_syscall(void))(long, ...) { return (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall"); }

/* All generators begin alike: by that those are found which nobody has used or seeded (generators.py). */
static ssize_t draw(void *buffer, size_t bytes, unsigned flags) {
  if (bytes != GENERATOR_BYTES) return next_syscall()(SYS_getrandom, buffer, bytes, flags);
  memset(buffer, elsewhere ? 0x5a : 0xa5, bytes);
  return GENERATOR_BYTES;
}

static ssize_t draw_for(void *buffer, size_t bytes, unsigned flags, const void *caller) {
  bool may_be_keys = flags == GRND_INSECURE && bytes == WATCH_KEY_BYTES;
  if (!may_be_keys) note_entropy(bytes, caller);
  ssize_t drawn = draw(buffer, bytes, flags);
  if (may_be_keys && drawn > 0 && !note_keys(buffer, caller)) note_entropy(bytes, caller);
  return drawn;
}

EXPORTED ssize_t getrandom(void *buffer, size_t bytes, unsigned flags) {
  return draw_for(buffer, bytes, flags, CALLER);
}

/* As libraries do it that may be used with an older C library. */
EXPORTED long syscall(long number, ...) {
  long word[6];
  va_list words;
  va_start(words, number);
  for (int i = 0; i < 6; i++) word[i] = va_arg(words, long);
  va_end(words);
  if (number == SYS_getrandom) return draw_for((void *)word[0], (size_t)word[1], (unsigned)word[2], CALLER);
  return next_syscall()(number, word[0], word[1], word[2], word[3], word[4], word[5]);
}

EXPORTED int getentropy(void *buffer, size_t bytes) {
  note_entropy(bytes, CALLER);
  return draw(buffer, bytes, 0) == (ssize_t)bytes ? 0 : -1;
}

static bool is_real(clockid_t clock) { return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE; }

EXPORTED int clock_gettime(clockid_t clock, struct timespec *now) {
  int failed = (int)syscall(SYS_clock_gettime, clock, now);
  if (!is_real(clock)) return failed;
  note(WATCH_TIME, CALLER);
  if (!failed && elsewhere) now->tv_sec += WATCH_LATER_SECONDS;
  return failed;
}

EXPORTED int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  int failed = (int)syscall(SYS_gettimeofday, now, zone);
  note(WATCH_TIME, CALLER);
  if (!failed && elsewhere) now->tv_sec += WATCH_LATER_SECONDS;
  return failed;
}

EXPORTED time_t time(time_t *now) {
  time_t seconds = (time_t)syscall(SYS_time, NULL);
  note(WATCH_TIME, CALLER);
  if (elsewhere) seconds += WATCH_LATER_SECONDS;
  if (now) *now = seconds;
  return seconds;
}

#define GOES_BY_ZONE(type, name, parameters, arguments)                                                                \
  EXPORTED type name parameters {                                                                                      \
    watch.zone++;                                                                                                      \
    type(*next) parameters = (type(*) parameters)dlsym(RTLD_NEXT, #name);                                              \
    return next arguments;                                                                                             \
  }
GOES_BY_ZONE(struct tm *, localtime_r, (const time_t *restrict seconds, struct tm *restrict parts), (seconds, parts))
GOES_BY_ZONE(struct tm *, localtime, (const time_t *seconds), (seconds))
GOES_BY_ZONE(time_t, mktime, (struct tm * parts), (parts))

EXPORTED pid_t getpid(void) {
  note(WATCH_PID, CALLER);
  pid_t (*next)(void) = (pid_t(*)(void))dlsym(RTLD_NEXT, "getpid");
  pid_t own = next();
  if (!elsewhere) return own;
  /* Of another process that there is, where that of this one is shown: process 1 is no template. */
  return own == (pid_t)syscall(SYS_getpid) ? 1 : own + 1;
}

static int names_of_host(struct utsname *names, const void *caller) {
  note(WATCH_HOST, caller);
  int failed = (int)syscall(SYS_uname, names);
  /* The kind of system and processor is the same wherever a snapshot is used. */
  if (!failed && elsewhere) {
    strcpy(names->nodename, "elsewhere");
    strcpy(names->release, "9.9.9");
    strcpy(names->version, "#9");
  }
  return failed;
}

EXPORTED int uname(struct utsname *names) { return names_of_host(names, CALLER); }

/* Whoever has given it the text may write another one there. */
EXPORTED int putenv(char *entry) {
  int (*next)(char *) = (int (*)(char *))dlsym(RTLD_NEXT, "putenv");
  note_by(WATCH_VARIABLES, 0, "putenv");
  return next(entry);
}

/* ---- the generator of random numbers that all get from OpenSSL ---- */

/* That of the library on which the caller depends: others may have one of their own. */
static void *meant_by(const char *name, const void *caller) {
  Dl_info info, own;
  void *library = dladdr(caller, &info) ? dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD) : NULL;
  void *function = library ? dlsym(library, name) : NULL;
  if (library) dlclose(library);
  /* OpenSSL itself does it for what it has been asked for. */
  if (!function || !dladdr(function, &own) || own.dli_fbase != info.dli_fbase) note_by(WATCH_GENERATOR, 0, name);
  return function ? function : dlsym(RTLD_NEXT, name);
}

#define GIVES_GENERATOR(name)                                                                                          \
  EXPORTED int name(void *one, unsigned which) {                                                                       \
    int (*next)(void *, unsigned) = (int (*)(void *, unsigned))meant_by(#name, CALLER);                                \
    return next ? next(one, which) : 0;                                                                                \
  }

GIVES_GENERATOR(RAND_set_rand_method)
GIVES_GENERATOR(RAND_set_rand_engine)
GIVES_GENERATOR(ENGINE_set_default)
GIVES_GENERATOR(ENGINE_set_default_RAND)
GIVES_GENERATOR(ENGINE_register_RAND)

EXPORTED int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *library) {
  int (*next)(void (*)(void), void (*)(void), void (*)(void), void *) =
      (int (*)(void (*)(void), void (*)(void), void (*)(void), void *))dlsym(RTLD_NEXT, "__register_atfork");
  if (prepare) watch.fork++;
  return next(prepare, parent, child, library);
}

EXPORTED int gethostname(char *name, size_t bytes) {
  struct utsname names;
  int failed = names_of_host(&names, CALLER);
  if (!failed && bytes > 0) strncpy(name, names.nodename, bytes);
  return failed;
}

/* ---- which file a descriptor of random bytes is of ---- */

/* Who compares that later has asked for it. The names by which libraries call it, of this C library and older ones. */
int watch_fstat(int fd, struct stat *status) __asm__("fstat");
int watch_fstat64(int fd, struct stat *status) __asm__("fstat64");
int watch_fxstat(int version, int fd, struct stat *status) __asm__("__fxstat");
int watch_fxstat64(int version, int fd, struct stat *status) __asm__("__fxstat64");

static int ask_for_numbers(int fd, struct stat *status, const void *caller) {
  int failed = (int)next_syscall()(SYS_fstat, fd, status);
  bool is_random = !failed && S_ISCHR(status->st_mode) && major(status->st_rdev) == 1 &&
                   (minor(status->st_rdev) == 8 || minor(status->st_rdev) == 9);
  if (is_random) note(WATCH_NUMBERS, caller);
  return failed;
}

EXPORTED int watch_fstat(int fd, struct stat *status) { return ask_for_numbers(fd, status, CALLER); }

EXPORTED int watch_fstat64(int fd, struct stat *status) { return ask_for_numbers(fd, status, CALLER); }

EXPORTED int watch_fxstat(int version, int fd, struct stat *status) {
  (void)version;
  return ask_for_numbers(fd, status, CALLER);
}

EXPORTED int watch_fxstat64(int version, int fd, struct stat *status) {
  (void)version;
  return ask_for_numbers(fd, status, CALLER);
}

/* ---- standard streams ---- */

EXPORTED int isatty(int fd) {
  int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "isatty");
  int is = next(fd);
  if (fd >= 0 && fd <= 2) watch.terminals |= (is ? 9u : 1u) << fd;
  return is;
}

/* ---- the number of processors ---- */

EXPORTED int sched_getaffinity(pid_t process, size_t bytes, cpu_set_t *set) {
  watch.processors++;
  int (*next)(pid_t, size_t, cpu_set_t *) = (int (*)(pid_t, size_t, cpu_set_t *))dlsym(RTLD_NEXT, "sched_getaffinity");
  return next(process, bytes, set);
}

EXPORTED int pthread_getaffinity_np(pthread_t thread, size_t bytes, cpu_set_t *set) {
  watch.processors++;
  int (*next)(pthread_t, size_t, cpu_set_t *) =
      (int (*)(pthread_t, size_t, cpu_set_t *))dlsym(RTLD_NEXT, "pthread_getaffinity_np");
  return next(thread, bytes, set);
}

static int number_of_processors(const char *function) {
  watch.processors++;
  int (*next)(void) = (int (*)(void))dlsym(RTLD_NEXT, function);
  return next();
}

EXPORTED int get_nprocs(void) { return number_of_processors("get_nprocs"); }

EXPORTED int get_nprocs_conf(void) { return number_of_processors("get_nprocs_conf"); }

EXPORTED long sysconf(int name) {
  if (name == _SC_NPROCESSORS_ONLN || name == _SC_NPROCESSORS_CONF) watch.processors++;
  long (*next)(int) = (long (*)(int))dlsym(RTLD_NEXT, "sysconf");
  return next(name);
}
