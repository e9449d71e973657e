// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "../static/sys/syscalls.h"
#include "../static/sys/text.h"

#define MAX_FILES 4096
#define DAY ((int64_t)24 * 60 * 60)
/* Seconds after which a file goes that nobody has used, and one that somebody was about to write. */
#define UNUSED_SECONDS (30 * DAY)
#define UNWRITTEN_SECONDS ((int64_t)10 * 60)
#define ENTRIES_BYTES 32768

void store_name(char name[STORE_NAME_BYTES], const char *key, const char *suffix) {
  size_t length = text_length(key);
  memcpy(name, key, length);
  memcpy(name + length, suffix, text_length(suffix) + 1);
}

static bool write_all(long file, const uint8_t *bytes, size_t length) {
  for (size_t done = 0; done < length;) {
    long step = CALL3(write, file, bytes + done, length - done);
    if (step <= 0) return false;
    done += (size_t)step;
  }
  return true;
}

/* Another one for each process that writes: pids are the same in several containers. */
static void temporary_name(char name[STORE_NAME_BYTES], const char *key) {
  uint64_t random = 0;
  char digits[TEXT_DECIMAL_BYTES];
  size_t length = sizeof LEARN_TEMPORARY - 1;
  struct timespec now = {0};
  CALL2(clock_gettime, CLOCK_MONOTONIC, &now);
  if (CALL3(getrandom, &random, sizeof random, 1 /* GRND_NONBLOCK */) < 0) random = 0;
  random ^= (uint64_t)now.tv_nsec << 20 ^ (uint64_t)CALL0(getpid);
  memcpy(name, LEARN_TEMPORARY, length);
  memcpy(name + length, key, LEARN_KEY_BYTES - 1);
  length += LEARN_KEY_BYTES - 1;
  const char *number = text_of_decimal(digits, random);
  memcpy(name + length, number, text_length(number) + 1);
}

bool store_write(const struct learn_task *task, const char *suffix, const struct store_part *parts, size_t count,
                 bool durable) {
  char temporary[STORE_NAME_BYTES], name[STORE_NAME_BYTES];
  temporary_name(temporary, task->key);
  store_name(name, task->key, suffix);
  long file = CALL4(openat, task->directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    S_IRUSR | S_IWUSR);
  if (file < 0) return false;
  bool done = true;
  for (size_t i = 0; i < count && done; i++) done = write_all(file, parts[i].bytes, parts[i].length);
  done = done && CALL2(fchmod, file, S_IRUSR) == 0 && (!durable || CALL1(fsync, file) == 0);
  CALL1(close, file);
  done = done && CALL4(renameat, task->directory, temporary, task->directory, name) == 0;
  if (!done) CALL3(unlinkat, task->directory, temporary, 0);
  return done;
}

/* ---- cleaning ---- */

struct entry {
  char name[STORE_NAME_BYTES];
  int64_t used; /* seconds since 1970 */
  int64_t bytes;
};

struct directory_entry {
  uint64_t inode;
  int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[];
};

static bool ends(const char *name, const char *suffix) {
  size_t length = text_length(name), bytes = text_length(suffix);
  return length >= bytes && text_is(name + length - bytes, suffix);
}

/* Whether the name is one that is written here: nothing else is ever removed. */
static bool is_ours(const char *name) {
  static const char *const suffixes[] = {LEARN_ARCHIVE, LEARN_KEPT_RECORDS, LEARN_NOTES, LEARN_LOCK, LEARN_TRIES};
  if (text_begins(name, LEARN_TEMPORARY)) return true;
  for (size_t i = 0; i < LEARN_KEY_BYTES - 1; i++) {
    if (!((name[i] >= '0' && name[i] <= '9') || (name[i] >= 'a' && name[i] <= 'f'))) return false;
  }
  for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
    if (text_is(name + LEARN_KEY_BYTES - 1, suffixes[i])) return true;
  }
  return false;
}

static int by_use(const void *a, const void *b) {
  const struct entry *x = a, *y = b;
  return x->used < y->used ? -1 : x->used > y->used ? 1 : memcmp(x->name, y->name, sizeof x->name);
}

static bool look_at(const struct learn_task *task, const char *name, int64_t now, struct entry *entry) {
  struct stat status;
  if (text_length(name) >= STORE_NAME_BYTES || !is_ours(name) ||
      CALL4(newfstatat, task->directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode)) {
    return false;
  }
  memset(entry, 0, sizeof *entry);
  memcpy(entry->name, name, text_length(name));
  entry->used = status.st_mtim.tv_sec > status.st_atim.tv_sec ? status.st_mtim.tv_sec : status.st_atim.tv_sec;
  entry->bytes = status.st_size;
  int64_t unused = now - entry->used;
  int64_t most = text_begins(name, LEARN_TEMPORARY) ? UNWRITTEN_SECONDS : UNUSED_SECONDS;
  bool own = text_begins(name, task->key);
  /* A lock takes no room. If somebody held one that goes, two would learn. */
  if (own || unused <= most) return !own && !ends(name, LEARN_LOCK);
  CALL3(unlinkat, task->directory, name, 0);
  return false;
}

void store_clean(const struct learn_task *task) {
  struct timespec now = {0};
  uint8_t *entries = malloc(ENTRIES_BYTES);
  struct entry *files = malloc(MAX_FILES * sizeof *files);
  /* A descriptor of its own: reading moves it. */
  long directory = CALL4(openat, task->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  size_t count = 0;
  CALL2(clock_gettime, CLOCK_REALTIME, &now);
  for (long got; directory >= 0 && entries && files && count < MAX_FILES &&
                 (got = CALL3(getdents64, directory, entries, ENTRIES_BYTES)) > 0;) {
    for (long at = 0; at < got && count < MAX_FILES;) {
      const struct directory_entry *entry = (const void *)(entries + at);
      if (look_at(task, entry->name, now.tv_sec, &files[count])) count++;
      at += entry->length;
    }
  }
  if (directory >= 0) CALL1(close, directory);
  int64_t total = 0;
  static const char *const own[] = {LEARN_ARCHIVE, LEARN_KEPT_RECORDS, LEARN_NOTES};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
    char name[STORE_NAME_BYTES];
    struct stat status;
    store_name(name, task->key, own[i]);
    if (CALL4(newfstatat, task->directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0) total += status.st_size;
  }
  for (size_t i = 0; i < count; i++) total += files[i].bytes;
  if (count > 0) qsort(files, count, sizeof *files, by_use);
  for (size_t i = 0; i < count && total > (int64_t)task->limit; i++) {
    if (CALL3(unlinkat, task->directory, files[i].name, 0) == 0) total -= files[i].bytes;
  }
  free(files);
  free(entries);
}
