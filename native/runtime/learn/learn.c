// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "learn.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "../../format/hash.h"
#include "../../learn/store.h"
#include "../../learn/surroundings.h"
#include "../../static/sys/syscalls.h"
#include "../../static/sys/text.h"
#include "../host/locate.h"
#include "child.h"
#include "directory.h"
#include "kind.h"
#include "lean.h"
#include "log.h"
#include "regexes.h"
#include "sources.h"

#define DEFAULT_LIMIT_BYTES ((uint64_t)256 * 1024 * 1024)
/* What the helper leaves to the program, of processes and threads. */
#define ROOM_PROCESSES 64
#define SMALL_PROCESS_LIMIT 512
#define MAX_TRIES 3
/* Where waiting is asked for. */
#define MAX_TRIES_WAITING 6
/* A program that ends before the archive of kept records is there, again and again, waits once: so long at most. */
#define OWN_WAIT_MILLISECONDS ((int64_t)1000)
#define HOUR ((int64_t)60 * 60)
#define MAX_WAIT_MILLISECONDS ((int64_t)60000)
/* For the helper that is told to end; it takes about one. */
#define MAX_END_MILLISECONDS ((int64_t)250)
/* Modules imported in spite of an archive from which on it is learned anew: so many, and one in so many. */
#define MISSES_LEAST 16
#define MISSES_SHARE 8
#define KERNEL_WALL 0x40000000
/* What tells an image from another, with the NUL. */
#define MAX_IMAGE_BYTES 256

static struct {
  enum learn_status status;
  struct directory directory;
  struct learn_task task;
  struct kind_command command;
  char archive[DIRECTORY_PATH_BYTES + STORE_NAME_BYTES]; /* the path of this kind's archive */
  long helper;                                           /* its pid; 0: there is none */
  int pipe;
  int64_t wait; /* milliseconds at the end */
  /* While a learned archive is in use. */
  bool used, spoilt;
  int64_t written; /* seconds since 1970 */
  unsigned long modules, missed;
} learning = {.directory.descriptor = -1};

/* ---- what is told ---- */

const char *learn_status_code(enum learn_status status) {
  static const char *const codes[] = {
      "OFF",
#define LEARN_STATUS(code, sentence) #code,
#include "status.def"
#undef LEARN_STATUS
  };
  return codes[status];
}

const char *learn_status_sentence(enum learn_status status) {
  static const char *const sentences[] = {
      "",
#define LEARN_STATUS(code, sentence) sentence,
#include "status.def"
#undef LEARN_STATUS
  };
  return sentences[status];
}

const char *learn_directory(void) { return learning.directory.path; }

static enum learn_status status_of(enum learn_state state) {
  switch (state) {
    case LEARN_DONE: return LEARN_LEARNED;
    case LEARN_RIGHTS_CHANGED: return LEARN_RIGHTS;
    case LEARN_SHORT_OF_MEMORY: return LEARN_NO_MEMORY;
    case LEARN_NOT_WRITTEN: return LEARN_UNWRITABLE;
    case LEARN_UNREADABLE:
    case LEARN_NOT_COMPOSED: return LEARN_REFUSED;
    default: return LEARN_RECORDING;
  }
}

/* Takes the helper's end notice of. Nobody else can: it is no child that wait() sees. */
static void reap(void) {
  if (learning.helper > 0 && CALL4(wait4, learning.helper, NULL, WNOHANG | KERNEL_WALL, NULL) == learning.helper)
    learning.helper = 0;
}

enum learn_status learn_status(void) {
  struct learn_shared *shared = learning.status == LEARN_RECORDING ? log_shared() : NULL;
  if (!shared) return learning.status;
  reap();
  uint32_t state = atomic_load(&shared->state);
  if (state != LEARN_WAITING) return status_of((enum learn_state)state);
  if (learning.helper <= 0) return LEARN_NO_PROCESS;
  return learning.task.records ? LEARN_WRITING : LEARN_RECORDING;
}

/* ---- what is asked for ---- */

/* The place that `prepare` has built in: a directory, and on a line of its own what tells this image from another. */
static bool read_built_in(PyObject *self, char *directory, size_t size, char *image, size_t image_size) {
  char text[DIRECTORY_PATH_BYTES + MAX_IMAGE_BYTES];
  long file = CALL4(openat, AT_FDCWD, locate_learning(self), O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
  if (file < 0) return false;
  long got = CALL3(read, file, text, sizeof text - 1);
  CALL1(close, file);
  text[got > 0 ? got : 0] = 0;
  char *end = strchr(text, '\n');
  if (!end) return false;
  *end++ = 0;
  char *last = strchr(end, '\n');
  if (last) *last = 0;
  if (text_length(text) >= size || text_length(end) >= image_size) return false;
  memcpy(directory, text, text_length(text) + 1);
  memcpy(image, end, text_length(end) + 1);
  return *text == '/';
}

struct wish {
  char directory[DIRECTORY_PATH_BYTES];
  char image[MAX_IMAGE_BYTES + TEXT_HEX_DIGITS];
};

static bool find_wish(PyObject *self, struct wish *wish) {
  *wish = (struct wish){{0}, {0}};
  bool built_in = read_built_in(self, wish->directory, sizeof wish->directory, wish->image, MAX_IMAGE_BYTES);
  const char *variable = locate_ignores_paths() ? NULL : getenv("PYCDS_LEARN");
  if (!variable) return built_in;
  /* An empty one is a choice, too. */
  if (!*variable || text_length(variable) >= sizeof wish->directory) return false;
  memcpy(wish->directory, variable, text_length(variable) + 1);
  return true;
}

bool learn_is_wanted(PyObject *self) {
  struct wish wish;
  return find_wish(self, &wish);
}

static uint64_t limit(void) {
  const char *value = getenv("PYCDS_LEARN_LIMIT");
  if (!value || *value < '0' || *value > '9' || text_length(value) > 18) return DEFAULT_LIMIT_BYTES;
  uint64_t bytes = text_decimal(&value);
  return *value ? DEFAULT_LIMIT_BYTES : bytes;
}

/* A duration such as 2s, 500ms or 1m, in milliseconds; 0: none. */
static int64_t wait_time(void) {
  const char *value = getenv("PYCDS_LEARN_WAIT");
  if (!value || *value < '0' || *value > '9' || text_length(value) > 12) return 0;
  int64_t count = (int64_t)text_decimal(&value);
  if (text_is(value, "s"))
    count *= 1000;
  else if (text_is(value, "m"))
    count *= 60 * 1000;
  else if (!text_is(value, "ms"))
    return 0;
  return count < MAX_WAIT_MILLISECONDS ? count : MAX_WAIT_MILLISECONDS;
}

/* ---- the archive of an earlier start ---- */

static int64_t seconds_now(void) {
  struct timespec now = {0};
  CALL2(clock_gettime, CLOCK_REALTIME, &now);
  return now.tv_sec;
}

static bool is_recent(int64_t time) {
  int64_t age = seconds_now() - time;
  return age >= 0 && age < HOUR; /* a clock that has been set back makes nothing recent for ever */
}

const char *learn_find(PyObject *self, const struct pycds_header *baked) {
  struct wish wish;
  struct stat status;
  char name[STORE_NAME_BYTES];
  if (!find_wish(self, &wish)) return NULL;
  memcpy(learning.directory.path, wish.directory, sizeof wish.directory);
  /* What was learned beside one archive is not what another lacks. */
  if (baked) *text_put_hex(wish.image + text_length(wish.image), baked->header_hash) = 0;
  if (!kind_describe(wish.image, &learning.task, &learning.command)) {
    learning.status = LEARN_INTERPRETER;
    return NULL;
  }
  learning.status = directory_open(wish.directory, &learning.directory);
  if (learning.status != LEARN_OFF) return NULL;
  learning.task.directory = learning.directory.descriptor;
  store_name(name, learning.task.key, LEARN_ARCHIVE);
  size_t length = text_length(learning.directory.path);
  memcpy(learning.archive, learning.directory.path, length);
  learning.archive[length] = '/';
  memcpy(learning.archive + length + 1, name, text_length(name) + 1);
  bool there = CALL4(newfstatat, learning.directory.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
  return there && S_ISREG(status.st_mode) ? learning.archive : NULL;
}

bool learn_trusts(int descriptor) {
  struct stat status;
  return CALL4(newfstatat, descriptor, "", &status, AT_EMPTY_PATH) == 0 &&
         (status.st_uid == 0 || status.st_uid == (uid_t)CALL0(geteuid));
}

static void remove_archive(void) {
  char name[STORE_NAME_BYTES];
  int directory = directory_again(&learning.directory);
  if (directory < 0) return;
  store_name(name, learning.task.key, LEARN_ARCHIVE);
  CALL3(unlinkat, directory, name, 0);
  CALL1(close, directory);
}

void learn_in_use(int descriptor) {
  struct stat status;
  learning.status = LEARN_USED;
  learning.used = true;
  if (CALL4(newfstatat, descriptor, "", &status, AT_EMPTY_PATH) != 0) return;
  learning.written = status.st_mtim.tv_sec;
  /* Files that nobody uses go after a while; once a day it is noted that this one is used. */
  int64_t age = seconds_now() - status.st_atim.tv_sec;
  const struct timespec times[] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_OMIT}};
  char name[STORE_NAME_BYTES];
  store_name(name, learning.task.key, LEARN_ARCHIVE);
  if (age < 0 || age > 24 * HOUR) CALL4(utimensat, learning.directory.descriptor, name, times, 0);
}

void learn_damaged(void) {
  if (!learning.used || learning.spoilt) return;
  learning.spoilt = true;
  remove_archive();
}

void learn_served(void) { learning.modules++; }

void learn_missed(void) {
  if (!learning.used || learning.spoilt) return;
  learning.missed++;
  if (learning.missed < MISSES_LEAST || learning.missed * MISSES_SHARE < learning.modules + learning.missed) return;
  learning.spoilt = true;
  /* The next start finds none, and learns. */
  if (!is_recent(learning.written)) remove_archive();
}

/* ---- recording ---- */

/* Only one process learns a kind at a time. The lock goes with this process, whatever becomes of it; where there are no
 * locks, several learn. */
static bool take_lock(void) {
  char name[STORE_NAME_BYTES];
  store_name(name, learning.task.key, LEARN_LOCK);
  long file =
      CALL4(openat, learning.directory.descriptor, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) {
    learning.status = LEARN_UNWRITABLE;
    return false;
  }
  /* Closing any other descriptor of the file would give the lock back. */
  file = directory_move(file);
  const struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  long result = CALL3(fcntl, file, F_SETLK, &lock);
  if (result != -11 /* EAGAIN */ && result != -13 /* EACCES */) return true;
  CALL1(close, file);
  learning.status = LEARN_BUSY;
  return false;
}

/* How often writing the archive has been begun, and not been ended, within the last hour. */
static int64_t tries(void) {
  char name[STORE_NAME_BYTES];
  struct stat status;
  store_name(name, learning.task.key, LEARN_TRIES);
  if (CALL4(newfstatat, learning.directory.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return 0;
  if (is_recent(status.st_mtim.tv_sec)) return status.st_size;
  CALL3(unlinkat, learning.directory.descriptor, name, 0);
  return 0;
}

static bool there_are(const char *suffix) {
  char name[STORE_NAME_BYTES];
  struct stat status;
  store_name(name, learning.task.key, suffix);
  return CALL4(newfstatat, learning.directory.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISREG(status.st_mode);
}

static bool has_room_for_process(void) {
  struct rlimit processes = {RLIM_INFINITY, RLIM_INFINITY};
  CALL4(prlimit64, 0, RLIMIT_NPROC, NULL, &processes);
  return room_of_processes() >= ROOM_PROCESSES && (processes.rlim_cur >= SMALL_PROCESS_LIMIT || CALL0(geteuid) == 0);
}

/* Whether this process is in another namespace of processes than its children, where the first of them is process 1,
 * which must not be the helper: with its end no other could be made. */
static bool is_before_namespace(void) {
  static const char children[] = "/proc/self/ns/pid_for_children";
  char own[64], other[64];
  struct stat status;
  long length = CALL4(readlinkat, AT_FDCWD, "/proc/self/ns/pid", own, sizeof own);
  /* The link leads nowhere before there is a process 1. */
  if (length <= 0 || CALL4(newfstatat, AT_FDCWD, children, &status, AT_SYMLINK_NOFOLLOW) != 0) return false;
  return CALL4(readlinkat, AT_FDCWD, children, other, sizeof other) != length ||
         memcmp(own, other, (size_t)length) != 0;
}

/* For the end of this process, and for what children send: the kernel tells the helper from whom that is. */
static bool make_pipe(int ends[2]) {
  const int yes = 1;
  if (CALL4(socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return CALL2(pipe2, ends, O_CLOEXEC) == 0;
  CALL5(setsockopt, ends[0], SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes);
  return true;
}

/* Makes the helper: a copy of this process that runs nothing of it. Without an exit signal it is no child that
 * waitpid(-1) would return, and its end sends no SIGCHLD. */
static bool start_helper(void) {
  int ends[2];
  if (!has_room_for_process() || is_before_namespace() || !make_pipe(ends)) return false;
  learning.pipe = directory_move(ends[1]);
  learning.task.pipe = ends[0];
  learning.task.parent = (int)CALL0(getpid);
  long child = lean_clone();
  if (child == 0) learn_helper(&learning.task);
  CALL1(close, ends[0]);
  if (child > 0) {
    learning.helper = child;
    child_allow(learning.pipe);
    return true;
  }
  CALL1(close, learning.pipe);
  return false;
}

/* ---- the end of the process ---- */

static void ring(struct learn_shared *shared) {
  atomic_fetch_add(&shared->bell, 1);
  call6(SYS_futex, (long)&shared->bell, 1 /* FUTEX_WAKE */, 1, 0, 0, 0);
}

static int64_t milliseconds_now(void) {
  struct timespec now = {0};
  CALL2(clock_gettime, CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void reap_within(int64_t milliseconds) {
  const struct timespec nap = {0, 500000};
  const int64_t deadline = milliseconds_now() + milliseconds;
  for (reap(); learning.helper > 0 && milliseconds_now() < deadline; reap()) CALL2(nanosleep, &nap, NULL);
}

/* From the last class of priority, in which it would get nothing on a machine that is busy with other things. */
static void hurry_helper(void) {
  const struct sched_param parameter = {0};
  CALL3(sched_setscheduler, learning.helper, SCHED_OTHER, &parameter);
}

static uint64_t pending_signals(void) {
  uint64_t pending = 0;
  CALL2(rt_sigpending, &pending, sizeof pending);
  return pending;
}

/* The program is over, and Python has given its handlers back: a signal that comes now would end it another way than it has
 * ended. It ends the wait, and is gone. */
static void wait_for_helper(struct learn_shared *shared) {
  const struct timespec nap = {0, 500000}, none = {0, 0};
  const uint64_t all = ~(uint64_t)0;
  const int64_t deadline = milliseconds_now() + learning.wait;
  uint64_t before = 0;
  hurry_helper();
  CALL4(rt_sigprocmask, SIG_BLOCK, &all, &before, sizeof all);
  uint64_t earlier = pending_signals(), new = 0;
  atomic_store(&shared->ending, 1);
  ring(shared);
  for (reap(); learning.helper > 0 && !new &&milliseconds_now() < deadline; reap()) {
    CALL2(nanosleep, &nap, NULL);
    new = pending_signals() & ~earlier & ~before;
  }
  while (new &&CALL4(rt_sigtimedwait, &new, NULL, &none, sizeof new) > 0) continue;
  CALL4(rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof before);
}

/* Where it cannot be ended, or does not end since a disk is slow, it is left: the program's end does not wait for it. */
static void end_helper(struct learn_shared *shared) {
  if (learning.helper <= 0) return;
  /* It needs a processor to end, too. */
  hurry_helper();
  if (CALL2(kill, learning.helper, SIGKILL) == 0) {
    reap_within(MAX_END_MILLISECONDS);
    return;
  }
  /* The process has given up the right to: the helper sees that, too. */
  atomic_store(&shared->ending, 1);
  ring(shared);
}

/* Without an archive of them, the records are for the next start. */
static void keep_records(const struct learn_shared *shared) {
  static const char kind[] = "whole";
  char head[RECORD_HEAD_BYTES], digits[TEXT_HEX_DIGITS];
  size_t length = (size_t)atomic_load(&shared->length);
  if (!may_be_so_large(length + RECORD_HEAD_BYTES)) return;
  text_put_hex(digits, pycds_hash(shared->log, length));
  const struct record_whole whole = {.hash = field_of(digits, sizeof digits)};
  const struct store_part parts[] = {
      {shared->log, length},
      {head, record_head(head, kind, (const struct record_field *)&whole, RECORD_FIELDS(whole))},
      {digits, sizeof digits},
  };
  learning.task.directory = directory_again(&learning.directory);
  if (learning.task.directory < 0) return;
  /* They end with a checksum: whether they are all there can be seen, and nobody waits for the disk. */
  if (store_write(&learning.task, LEARN_KEPT_RECORDS, parts, 3, false)) {
    learning.status = LEARN_KEPT;
    /* Programs that are started once, and end at once, never have a helper that would do this. */
    store_clean(&learning.task);
  }
  CALL1(close, learning.task.directory);
}

static void at_end(void) {
  struct learn_shared *shared = log_shared();
  /* With a new filter of system calls, any of those that follow could be its end. */
  if (!shared || atomic_load(&shared->state) == LEARN_RIGHTS_CHANGED) return;
  reap();
  if (learning.wait > 0 && atomic_load(&shared->state) == LEARN_WAITING) wait_for_helper(shared);
  uint32_t state = atomic_load(&shared->state);
  end_helper(shared);
  if (state == LEARN_WAITING && !learning.task.records) keep_records(shared);
  log_close();
}

void learn_looked(void) { directory_close(&learning.directory); }

void learn_start(enum pycds_reject reject) {
  if (learning.status != LEARN_OFF) return;
  learning.status = LEARN_INTERPRETER;
  if (reject == PYCDS_REJECT_INTERPRETER || reject == PYCDS_REJECT_RUNTIME) return;
  learning.status = LEARN_NO_MEMORY;
  if (room_of_memory() < LEARN_ROOM_BYTES || room_of_addresses() < LEARN_ROOM_BYTES + (int64_t)LEARN_SHARED_BYTES)
    return;
  learning.status = LEARN_TRIED;
  learning.wait = wait_time();
  const int64_t tried = tries();
  if (tried >= (learning.wait > 0 ? MAX_TRIES_WAITING : MAX_TRIES) || !take_lock()) return;
  /* Somebody may have just finished. */
  learning.status = LEARN_BUSY;
  if (reject == PYCDS_REJECT_MISSING && there_are(LEARN_ARCHIVE)) return;
  learning.status = LEARN_NO_MEMORY;
  if (!log_open()) return;
  learning.task.shared = log_shared();
  learning.task.limit = limit();
  learning.task.records = there_are(LEARN_KEPT_RECORDS);
  learning.status = LEARN_RECORDING;
  if (learning.task.records && tried > 0 && learning.wait == 0) learning.wait = OWN_WAIT_MILLISECONDS;
  bool helped = start_helper();
  /* The program's own children have no use for it. */
  CALL3(madvise, log_shared(), LEARN_SHARED_BYTES, MADV_DONTFORK);
  if (!helped) learning.status = LEARN_NO_PROCESS;
  if (learning.task.records && !helped) {
    log_close();
    return;
  }
  Py_AtExit(at_end);
  if (learning.task.records) return;
  kind_record(&learning.task, &learning.command);
  learn_sources_start(learning.task.optimize);
  regexes_attach();
}
