// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "log.h"

#include <string.h>
#include <sys/mman.h>

#include "../../learn/shared.h"
#include "../../static/sys/syscalls.h"
#include "../../static/sys/text.h"
#include "child.h"

/* What a process is; a child begins with 0, and its number may be that of its parent in another namespace. */
enum mark { CHILD = 0, FIRST, CHILD_THAT_RECORDS, CHILD_THAT_DOES_NOT };

static struct {
  struct learn_shared *shared;
  uint64_t used;
  long owner;
  volatile char *mark; /* enum mark; NULL: this kernel has no memory that a child finds empty */
  bool full;
} recorded;

/* Asked for each module: without a call, where the mark tells. */
bool log_is_own(void) {
  if (recorded.owner <= 0) return false;
  return recorded.mark ? *recorded.mark == FIRST : CALL0(getpid) == recorded.owner;
}

static void make_mark(void) {
  const size_t page = 4096;
  long at = call6(SYS_mmap, 0, (long)page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at < 0 && at > -(long)page) return;
  if (CALL3(madvise, at, page, MADV_WIPEONFORK) != 0) {
    CALL2(munmap, at, page);
    return;
  }
  recorded.mark = (volatile char *)at;
  *recorded.mark = FIRST;
}

/* A child has not the memory of its parent (MADV_DONTFORK). */
struct learn_shared *log_shared(void) {
  return log_is_own() ? recorded.shared : NULL;
}

/* In a child of the process that began, or of another such child. */
static bool child_records(void) {
  if (!recorded.mark) return false;
  if (*recorded.mark == CHILD) {
    recorded.shared = child_begin();
    recorded.used = 0;
    recorded.full = false;
    *recorded.mark = recorded.shared ? CHILD_THAT_RECORDS : CHILD_THAT_DOES_NOT;
  }
  if (*recorded.mark != CHILD_THAT_RECORDS) return false;
  if (!recorded.full && atomic_load_explicit(&recorded.shared->state, memory_order_relaxed) == LEARN_WAITING)
    return true;
  CALL2(munmap, recorded.shared, LEARN_SHARED_BYTES);
  *recorded.mark = CHILD_THAT_DOES_NOT;
  return false;
}

bool log_is_open(void) {
  if (recorded.owner <= 0) return false;
  return log_is_own() ? recorded.shared && !recorded.full : child_records();
}

static void put(const void *bytes, size_t length) {
  memcpy(recorded.shared->log + recorded.used, bytes, length);
  recorded.used += length;
}

void log_append(const char *kind, const void *fields, size_t count) {
  char head[RECORD_HEAD_BYTES];
  const struct record_field *all = fields;
  if (!log_is_open()) return;
  size_t length = record_head(head, kind, all, count), bytes = length;
  for (size_t i = 0; i < count; i++) bytes += all[i].length;
  recorded.full = bytes > LEARN_LOG_BYTES - recorded.used;
  if (recorded.full) return;
  put(head, length);
  for (size_t i = 0; i < count; i++) {
    if (all[i].length > 0) put(all[i].bytes, all[i].length);
  }
  /* Only whole records are seen. */
  atomic_store_explicit(&recorded.shared->length, recorded.used, memory_order_release);
}

bool log_open(void) {
  char digits[TEXT_DECIMAL_BYTES];
  struct learn_shared *shared = learn_map(-1);
  if (!shared) return false;
  make_mark();
  recorded.shared = shared;
  recorded.owner = CALL0(getpid);
  const char *number = text_of_decimal(digits, RECORDS_VERSION);
  const struct record_field version = field_of(number, text_length(number));
  log_append("version", &version, 1);
  return true;
}

void log_close(void) {
  if (!log_shared()) return;
  CALL2(munmap, recorded.shared, LEARN_SHARED_BYTES);
  recorded.shared = NULL;
}
