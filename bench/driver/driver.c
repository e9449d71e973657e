// SPDX-License-Identifier: Apache-2.0
// Starts the contestants of a benchmark in turns, each in its own root directory, and prints one line a start:
//
//   ROUND CONTESTANT WALL_NS CPU_NS PHASE_NS PHASE_CPU_NS MAJOR_FAULTS MINOR_FAULTS BEGAN_NS
//
// WALL_NS runs from before the fork to after the wait, CPU_NS is the processor time of the process. The two of
// the phase are what the program wrote to descriptor 9 in decimal, 0 if nothing; BEGAN_NS is the monotonic clock before the
// fork. Written in C because the time
// that a runtime needs to start a process varies more than what is measured.
//
// The plan comes on stdin, fields ended by NUL: rounds, "1" to drop the page cache before each start, number
// of contestants; of each its root, number of arguments, arguments, number of variables, variables.
// Usage: driver < plan. Needs root.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PHASE_FD = 9, MAX_PLAN = 1 << 20, MAX_CONTESTANTS = 64 };

struct contestant {
  const char *root;
  char **argv;
  char **env;
};

static char plan[MAX_PLAN];
static size_t plan_size, plan_at;

static void fail(const char *what) {
  fprintf(stderr, "driver: %s: %s\n", what, strerror(errno));
  exit(2);
}

static char *next_field(void) {
  char *field = plan + plan_at;
  size_t length = strnlen(field, plan_size - plan_at);
  if (plan_at + length >= plan_size) {
    errno = EINVAL;
    fail("the plan ends early");
  }
  plan_at += length + 1;
  return field;
}

static char **next_list(void) {
  size_t count = (size_t)strtoul(next_field(), NULL, 10);
  char **list = calloc(count + 1, sizeof *list);
  if (list == NULL) fail("calloc");
  for (size_t i = 0; i < count; i++) list[i] = next_field();
  return list;
}

static long long now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void drop_caches(void) {
  int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
  // Page cache, and names and inodes too: a node that never ran the image has none of them.
  if (fd < 0 || write(fd, "3", 1) != 1) fail("/proc/sys/vm/drop_caches");
  close(fd);
}

static void run_child(const struct contestant *one, int phase, int null) {
  if (chroot(one->root) != 0 || chdir("/") != 0) _exit(126);
  if (dup2(null, 0) < 0 || dup2(null, 1) < 0) _exit(126);
  // One of the two may be descriptor 9 itself; then nothing has to move, and the flag must go.
  if (phase == PHASE_FD ? fcntl(phase, F_SETFD, 0) < 0 : dup2(phase, PHASE_FD) < 0) _exit(126);
  execve(one->argv[0], one->argv, one->env);
  _exit(127);
}

static int run(const struct contestant *one, int round, int index, int null) {
  int pipes[2];
  if (pipe2(pipes, O_CLOEXEC) != 0) fail("pipe2");
  long long began = now_ns();
  pid_t pid = vfork();
  if (pid < 0) fail("vfork");
  if (pid == 0) run_child(one, pipes[1], null);
  int status;
  struct rusage usage;
  if (wait4(pid, &status, 0, &usage) != pid) fail("wait4");
  long long wall = now_ns() - began;
  close(pipes[1]);
  char text[64] = "", *rest = text;
  if (read(pipes[0], text, sizeof text - 1) < 0) fail("read");
  close(pipes[0]);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    fprintf(stderr, "driver: contestant %d in %s ended with status %#x\n", index, one->root, (unsigned)status);
    return -1;
  }
  long long cpu_us =
      (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
  long long phase = strtoll(text, &rest, 10);
  printf("%d %d %lld %lld %lld %lld %ld %ld %lld\n", round, index, wall, cpu_us * 1000, phase, strtoll(rest, NULL, 10),
         usage.ru_majflt, usage.ru_minflt, began);
  return 0;
}

int main(void) {
  // Whoever asked is gone when the benchmark is interrupted.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  ssize_t got;
  while ((got = read(0, plan + plan_size, MAX_PLAN - plan_size)) > 0) plan_size += (size_t)got;
  int rounds = atoi(next_field());
  int cold = atoi(next_field());
  int count = atoi(next_field());
  static struct contestant contestants[MAX_CONTESTANTS];
  if (count < 1 || count > MAX_CONTESTANTS) fail("number of contestants");
  for (int i = 0; i < count; i++) {
    contestants[i].root = next_field();
    contestants[i].argv = next_list();
    contestants[i].env = next_list();
  }
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) fail("/dev/null");
  // Other work on the machine should wait; where this is not allowed it does not.
  setpriority(PRIO_PROCESS, 0, -20);
  if (cold) sync();
  for (int round = 0; round < rounds; round++) {
    // Every round begins with another one, so that nobody always runs after the same neighbour.
    for (int turn = 0; turn < count; turn++) {
      int index = (turn + round) % count;
      if (cold) drop_caches();
      if (run(&contestants[index], round, index, null) != 0) return 1;
    }
    fflush(stdout);
  }
  return 0;
}
