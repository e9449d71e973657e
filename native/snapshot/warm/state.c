// SPDX-License-Identifier: Apache-2.0
// What the kernel and the C library keep for a process, apart from its memory and its files: a snapshot holds none of it, or
// would have it from the start. Part of the library that is preloaded into a template that is watched.
#define _GNU_SOURCE
#include <locale.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "../../format/hash.h"
#include "watch.h"

#define EXPORTED __attribute__((visibility("default")))

/* linux/ioprio.h */
#define IOPRIO_WHO_PROCESS 1
#define PERSONALITY_ASK 0xffffffffUL
/* Where the control bits of MXCSR are; the others tell what has happened. */
#define MXCSR_CONTROL 0xffc0u
#define CPU_SET_BYTES 128

struct text {
  char *bytes;
  size_t room, used;
};

static void say(struct text *text, const char *what, unsigned long long value) {
  if (text->used >= text->room) return;
  int length = snprintf(text->bytes + text->used, text->room - text->used, "%s=%llx\n", what, value);
  text->used += length > 0 ? (size_t)length : 0;
}

static unsigned long long hash_of_text(const char *text) { return text ? pycds_hash(text, strlen(text)) : 0; }

/* man 2 prctl. */
static unsigned long long asked(int option) {
  int value = 0;
  return prctl(option, &value, 0, 0, 0) == 0 ? (unsigned long long)(unsigned)value : ~0ULL;
}

static unsigned long long answered(int option) { return (unsigned long long)prctl(option, 0, 0, 0, 0); }

static void say_kernel(struct text *text) {
  char name[16] = "";
  unsigned char processors[CPU_SET_BYTES] = {0};
  struct sched_param parameters = {0};
  prctl(PR_GET_NAME, name, 0, 0, 0);
  syscall(SYS_sched_getaffinity, 0, sizeof processors, processors);
  sched_getparam(0, &parameters);
  say(text, "PROPERTY priority", (unsigned long long)getpriority(PRIO_PROCESS, 0));
  say(text, "PROPERTY priority", (unsigned long long)syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0));
  say(text, "PROPERTY scheduler", (unsigned long long)sched_getscheduler(0));
  say(text, "PROPERTY scheduler", (unsigned long long)parameters.sched_priority);
  say(text, "PROPERTY affinity", pycds_hash(processors, sizeof processors));
  for (int timer = ITIMER_REAL; timer <= ITIMER_PROF; timer++) {
    struct itimerval value = {0};
    getitimer(timer, &value);
    say(text, "PROPERTY timer", value.it_value.tv_sec || value.it_value.tv_usec);
  }
  say(text, "PROPERTY group", (unsigned long long)getpgid(0));
  say(text, "PROPERTY session", (unsigned long long)getsid(0));
  say(text, "PROPERTY name", hash_of_text(name));
  say(text, "PROPERTY personality", (unsigned long long)personality(PERSONALITY_ASK));
  say(text, "PROPERTY signal at the parent's death", asked(PR_GET_PDEATHSIG));
  say(text, "PROPERTY subreaper", asked(PR_GET_CHILD_SUBREAPER));
  say(text, "PROPERTY time stamp counter", asked(PR_GET_TSC));
  say(text, "PROPERTY dumpable", answered(PR_GET_DUMPABLE));
  say(text, "PROPERTY securebits", answered(PR_GET_SECUREBITS));
  say(text, "PROPERTY timer slack", answered(PR_GET_TIMERSLACK));
  say(text, "PROPERTY huge pages", answered(PR_GET_THP_DISABLE));
  say(text, "PROPERTY memory errors", answered(PR_MCE_KILL_GET));
}

/* The state of rand and random: its first word has its kind. */
static unsigned long long random_state(void) {
  static const unsigned words_of[] = {2, 8, 16, 32, 64};
  char other[8];
  char *state = initstate(1, other, sizeof other);
  int first;
  if (!state) return 0;
  memcpy(&first, state, sizeof first);
  unsigned long long sum = pycds_hash(state, words_of[(unsigned)first % 5] * sizeof first);
  setstate(state);
  return sum;
}

static void say_library(struct text *text) {
  unsigned mxcsr;
  unsigned short x87;
  __asm__ volatile("stmxcsr %0\n fnstcw %1" : "=m"(mxcsr), "=m"(x87));
  say(text, "C_LIBRARY locale", hash_of_text(setlocale(LC_ALL, NULL)));
  say(text, "C_LIBRARY floating-point modes", mxcsr & MXCSR_CONTROL);
  say(text, "C_LIBRARY floating-point modes", x87);
  say(text, "C_LIBRARY random numbers", random_state());
}

EXPORTED size_t pycds_watch_state(char *bytes, size_t room) {
  struct text text = {bytes, room, 0};
  say_kernel(&text);
  say_library(&text);
  return text.used;
}
