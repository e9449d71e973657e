// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "lean.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../../static/sys/syscalls.h"
#include "../../static/sys/text.h"

#define LISTING_BYTES 65536
#define MAX_AREAS 512
/* Smaller ones are not worth a call. */
#define LEAST_BYTES ((uintptr_t)64 * 1024)
#define STACK_BYTES ((uintptr_t)1024 * 1024)
#define THREAD_BYTES ((uintptr_t)64 * 1024)
#define PAGE ((uintptr_t)4096)

/* Of this library: from its first byte to its last, with what it keeps in memory. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

struct area {
  uintptr_t start, end;
};

static struct {
  struct area areas[MAX_AREAS];
  size_t count;
} left_out;

/* Another thread could make a child of its own while areas are marked. */
static bool is_alone(void) {
  struct stat status;
  /* Two names beside those of the threads. */
  return CALL4(newfstatat, AT_FDCWD, "/proc/self/task", &status, 0) == 0 && status.st_nlink == 3;
}

static struct area around(const void *address, uintptr_t bytes) {
  const uintptr_t page = (uintptr_t)address & ~(PAGE - 1);
  return (struct area){page - bytes, page + bytes};
}

/* Without what the child needs. The kernel makes one area of those side by side: that of this library often goes on with
 * the first memory of Python's objects, in which nearly every page is written later. */
static void leave_out(struct area area) {
  char here;
  /* The child runs on the stack, and the kernel writes into the thread's own area (restartable sequences). */
  const struct area needed[] = {
      {(uintptr_t)__ehdr_start & ~(PAGE - 1), ((uintptr_t)_end + PAGE - 1) & ~(PAGE - 1)},
      around(&here, STACK_BYTES),
      around(__builtin_thread_pointer(), THREAD_BYTES),
  };
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
    if (area.end <= needed[i].start || needed[i].end <= area.start) continue;
    if (area.start < needed[i].start) leave_out((struct area){area.start, needed[i].start});
    if (needed[i].end < area.end) leave_out((struct area){needed[i].end, area.end});
    return;
  }
  if (area.end - area.start < LEAST_BYTES || left_out.count == MAX_AREAS) return;
  left_out.areas[left_out.count++] = area;
}

/* A line is START-END PERMISSIONS OFFSET DEVICE INODE NAME. */
static void take_line(const char *line, const char *end) {
  struct area area = {.start = text_hex(&line)};
  if (*line++ != '-') return;
  area.end = text_hex(&line);
  if (!text_begins(line, " rw-p ")) return;
  line += 6;
  text_hex(&line);
  /* A name is that of a file, whose data of libraries the child does not use, or of what the kernel has made. */
  while (line < end && *line != '[' && *line != '/') line++;
  bool special = line < end && (*line == '[' ? !text_begins(line, "[heap]") : text_begins(line, "/dev/"));
  if (!special) leave_out(area);
}

static void find_areas(void) {
  static char text[LISTING_BYTES + 1];
  size_t length = 0;
  left_out.count = 0;
  long file = is_alone() ? CALL4(openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC, 0) : -1;
  if (file < 0) return;
  for (long got; length < LISTING_BYTES && (got = CALL3(read, file, text + length, LISTING_BYTES - length)) > 0;) {
    length += (size_t)got;
  }
  CALL1(close, file);
  text[length] = 0;
  for (size_t at = 0; at < length;) {
    size_t next = at;
    while (next < length && text[next] != '\n') next++;
    if (next == length) return; /* the rest did not fit */
    take_line(text + at, text + next);
    at = next + 1;
  }
}

static void advise(int advice) {
  for (size_t i = 0; i < left_out.count; i++) {
    CALL3(madvise, left_out.areas[i].start, left_out.areas[i].end - left_out.areas[i].start, advice);
  }
}

long lean_clone(void) {
  uint64_t all = ~(uint64_t)0, before = 0;
  /* Handlers of the program may neither run in the child nor make children now. */
  CALL4(rt_sigprocmask, SIG_BLOCK, &all, &before, sizeof all);
  find_areas();
  advise(MADV_DONTFORK);
  long child = CALL5(clone, 0, 0, 0, 0, 0);
  if (child == 0) return 0;
  advise(MADV_DOFORK);
  CALL4(rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof before);
  return child;
}
