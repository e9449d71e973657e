// SPDX-License-Identifier: Apache-2.0
// The helper, from the moment at which it is a copy of the process that learns to its end.
//
// It ends with that process: before it, if that one ends in order. Nothing waits for it, unless PYCDS_LEARN_WAIT is set.
// Whatever goes wrong here ends here.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "../static/sys/syscalls.h"
#include "children.h"
#include "compose.h"
#include "store.h"
#include "surroundings.h"
#include "task.h"

/* Below the limit of its group, for the work to begin: an end for lack of memory would be that of the container. */
#define HEADROOM_BYTES ((int64_t)64 * 1024 * 1024)
/* Without a new record for so long, importing has settled. */
#define SETTLED_NANOSECONDS ((int64_t)1000000000)
#define LOOK_NANOSECONDS ((int64_t)100000000)
/* What comes later is learned, too, if it comes within so long. */
#define LATE_NANOSECONDS ((int64_t)30 * 1000000000)
#define MAX_ARCHIVES 4
#define PROCESSOR_SECONDS 1
#define KERNEL_SIGNALS 64
/* The two descriptors that it keeps. */
enum { DIRECTORY = 3, PIPE = 4 };

struct kernel_action {
  void *handler;
  unsigned long flags;
  void *restorer;
  uint64_t mask;
};

static int64_t now(void) {
  struct timespec time = {0};
  CALL2(clock_gettime, CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

__attribute__((noreturn)) static void end(void) {
  for (;;) CALL1(exit_group, 0);
}

/* ---- becoming a process of its own ---- */

static void reset_signals(void) {
  const struct kernel_action action = {0}; /* SIG_DFL */
  const uint64_t none = 0;
  for (int signal = 1; signal <= KERNEL_SIGNALS; signal++)
    CALL4(rt_sigaction, signal, &action, NULL, sizeof action.mask);
  /* A file that may not become so large is not written; what has been written of it is removed. */
  const struct kernel_action ignored = {.handler = (void *)(uintptr_t)1}; /* SIG_IGN */
  CALL4(rt_sigaction, SIGXFSZ, &ignored, NULL, sizeof action.mask);
  CALL4(rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
}

/* An inherited stream keeps a pipe open, and a listening socket a port. */
static void keep_descriptors(struct learn_task *task) {
  long directory = CALL3(fcntl, task->directory, F_DUPFD_CLOEXEC, 5),
       pipe = CALL3(fcntl, task->pipe, F_DUPFD_CLOEXEC, 5);
  if (directory < 0 || pipe < 0) end();
  long nothing = CALL4(openat, AT_FDCWD, "/dev/null", O_RDWR, 0);
  for (int stream = 0; stream < 3; stream++) {
    if (nothing < 0)
      CALL1(close, stream);
    else if (nothing != stream)
      CALL3(dup3, nothing, stream, 0);
  }
  CALL3(dup3, directory, DIRECTORY, O_CLOEXEC);
  CALL3(dup3, pipe, PIPE, O_CLOEXEC);
  if (CALL3(close_range, PIPE + 1, ~0u, 0) != 0) {
    struct rlimit limit = {.rlim_cur = 1024};
    CALL4(prlimit64, 0, RLIMIT_NOFILE, NULL, &limit);
    for (unsigned long i = PIPE + 1; i < limit.rlim_cur && i < 1 << 20; i++) CALL1(close, i);
  }
  task->directory = DIRECTORY;
  task->pipe = PIPE;
}

static void be_modest(void) {
  static const char most[] = "1000";
  const struct sched_param parameter = {0};
  const struct rlimit processor = {PROCESSOR_SECONDS, PROCESSOR_SECONDS};
  CALL3(sched_setscheduler, 0, SCHED_IDLE, &parameter);
  CALL4(prlimit64, 0, RLIMIT_CPU, &processor, NULL);
  long file = CALL4(openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0);
  if (file < 0) return;
  CALL3(write, file, most, sizeof most - 1);
  CALL1(close, file);
}

static void detach(struct learn_task *task) {
  const struct rlimit no_core = {0, 0};
  CALL2(prctl, PR_SET_PDEATHSIG, SIGKILL);
  /* It may have ended before. */
  if (CALL0(getppid) != task->parent) end();
  /* A filter of system calls may end it with any of those that follow. */
  CALL4(prlimit64, 0, RLIMIT_CORE, &no_core, NULL);
  CALL2(prctl, PR_SET_NAME, "pycds-learn");
  reset_signals();
  CALL0(setsid);
  CALL1(umask, 077);
  /* A file system that the program leaves can be unmounted. */
  CALL1(chdir, "/");
  /* First of all that takes time: a port that the program closes is to be free. */
  keep_descriptors(task);
  be_modest();
}

/* ---- working ---- */

static void finish(const struct learn_task *task, enum learn_state state) { atomic_store(&task->shared->state, state); }

static void forget(const struct learn_task *task, const char *suffix) {
  char name[STORE_NAME_BYTES];
  store_name(name, task->key, suffix);
  CALL3(unlinkat, task->directory, name, 0);
}

/* Where writing the archive ends this process each time, it is not begun for ever (runtime/learn). */
static void note_try(const struct learn_task *task) {
  char name[STORE_NAME_BYTES];
  store_name(name, task->key, LEARN_TRIES);
  long file = CALL4(openat, task->directory, name, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                    S_IRUSR | S_IWUSR);
  if (file < 0) return;
  CALL3(write, file, "1", 1);
  CALL1(close, file);
}

static enum learn_state work(const struct learn_task *task, const uint8_t *log, size_t bytes) {
  struct learn_files files = {{0}, {0}};
  /* Whoever gives rights up must not write with them by this process. */
  if (!same_rights(task->parent)) return LEARN_RIGHTS_CHANGED;
  note_try(task);
  enum learn_state state = learn_compose(task, log, bytes, &files);
  if (state != LEARN_DONE) return state;
  const struct store_part notes = {files.learned.bytes, files.learned.length};
  const struct store_part archive = {files.archive.bytes, files.archive.length};
  bool done = store_write(task, LEARN_NOTES, &notes, 1, true) && store_write(task, LEARN_ARCHIVE, &archive, 1, true);
  pycds_buffer_free(&files.learned);
  pycds_buffer_free(&files.archive);
  if (!done) return LEARN_NOT_WRITTEN;
  forget(task, LEARN_KEPT_RECORDS);
  forget(task, LEARN_TRIES);
  store_clean(task);
  return LEARN_DONE;
}

/* The records as they are now, and those of children. What the process writes later, when it may have given up rights, is
 * not in the copy that work is done with: rights are looked at afterwards. */
static enum learn_state work_on_copy(const struct learn_task *task, size_t bytes,
                                     const struct learn_children *children) {
  if (room_of_memory() < HEADROOM_BYTES) return LEARN_SHORT_OF_MEMORY;
  uint8_t *copy = malloc(bytes + children->bytes + 1);
  if (!copy) return LEARN_SHORT_OF_MEMORY;
  memcpy(copy, task->shared->log, bytes);
  if (children->bytes > 0) memcpy(copy + bytes, children->taken, children->bytes);
  enum learn_state state = work(task, copy, bytes + children->bytes);
  free(copy);
  return state;
}

/* Records that an earlier start has left. LEARN_UNREADABLE where what lies there is nothing to work on. */
static enum learn_state work_on_file(const struct learn_task *task) {
  char name[STORE_NAME_BYTES];
  struct stat status;
  store_name(name, task->key, LEARN_KEPT_RECORDS);
  long file = CALL4(openat, task->directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0);
  if (file < 0 || CALL4(newfstatat, file, "", &status, AT_EMPTY_PATH) != 0) return LEARN_UNREADABLE;
  bool own = status.st_uid == 0 || status.st_uid == (uid_t)CALL0(geteuid);
  if (!S_ISREG(status.st_mode) || !own || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0 ||
      (uint64_t)status.st_size > LEARN_LOG_BYTES + 4096) {
    return LEARN_UNREADABLE;
  }
  size_t length = (size_t)status.st_size;
  uint8_t *log = malloc(length + 1);
  if (room_of_memory() < HEADROOM_BYTES || !log) return LEARN_SHORT_OF_MEMORY;
  for (size_t got = 0; got < length;) {
    long step = CALL3(read, file, log + got, length - got);
    if (step <= 0)
      length = got;
    else
      got += (size_t)step;
  }
  CALL1(close, file);
  size_t records = learn_sealed(log, length);
  return records > 0 ? work(task, log, records) : LEARN_UNREADABLE;
}

static void work_on_records(const struct learn_task *task) {
  enum learn_state state = work_on_file(task);
  finish(task, state);
  /* As long as they lie there, nobody records. */
  if (state == LEARN_UNREADABLE || state == LEARN_NOT_COMPOSED) forget(task, LEARN_KEPT_RECORDS);
}

/* Whether the process has started another program by now, or has closed what it does not know. */
static bool has_gone(const struct learn_task *task) {
  struct pollfd pipe = {.fd = task->pipe, .events = POLLIN};
  const struct timespec none = {0, 0};
  return CALL5(ppoll, &pipe, 1, &none, NULL, 0) > 0 && (pipe.revents & (POLLHUP | POLLERR)) != 0;
}

static void sleep_until_rung(struct learn_shared *shared) {
  const struct timespec time = {0, LOOK_NANOSECONDS};
  uint32_t before = atomic_load(&shared->bell);
  if (atomic_load(&shared->ending)) return;
  call6(SYS_futex, (long)&shared->bell, FUTEX_WAIT, before, (long)&time, 0, 0);
}

static void follow(const struct learn_task *task) {
  struct learn_shared *shared = task->shared;
  struct learn_children children = {.lane = NULL};
  uint64_t seen = 0, written = 0;
  int64_t changed = now();
  for (int archives = 0; archives < MAX_ARCHIVES;) {
    sleep_until_rung(shared);
    /* At once: a process with a new filter of system calls must see at its end that it has nothing to do. */
    if (!same_rights(task->parent)) {
      finish(task, LEARN_RIGHTS_CHANGED);
      break;
    }
    children_look(&children, task);
    uint64_t length = atomic_load_explicit(&shared->length, memory_order_acquire), all = length + children.bytes;
    int64_t time = now();
    if (all != seen) changed = time;
    seen = all;
    bool last = atomic_load(&shared->ending) || has_gone(task);
    if (all > written && length <= LEARN_LOG_BYTES && (last || time - changed >= SETTLED_NANOSECONDS)) {
      finish(task, work_on_copy(task, (size_t)length, &children));
      written = all;
      archives++;
    }
    if (last || time - changed > LATE_NANOSECONDS) break;
  }
  children_end(&children);
}

void learn_helper(const struct learn_task *given) {
  struct learn_task task = *given;
  detach(&task);
  if (task.records)
    work_on_records(&task);
  else
    follow(&task);
  end();
}
