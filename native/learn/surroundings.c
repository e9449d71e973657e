// SPDX-License-Identifier: Apache-2.0
// Control groups are looked for where containers have them: the group itself at the root of the mount, of either
// version. One that sees its host's groups instead has the path of its own in /proc/self/cgroup.
#define _GNU_SOURCE
#include "surroundings.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#include "../format/hash.h"
#include "../static/sys/syscalls.h"
#include "../static/sys/text.h"

#define TEXT_BYTES 4096

/* Reads the start of a file as a text; false where there is none. */
static bool read_text(const char *path, char text[TEXT_BYTES]) {
  long file = CALL4(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (file < 0) return false;
  long length = CALL3(read, file, text, TEXT_BYTES - 1);
  CALL1(close, file);
  text[length > 0 ? length : 0] = 0;
  return length > 0;
}

/* A path out of pieces; false when it is too long. */
static bool join(char path[TEXT_BYTES], const char *const *parts, size_t count) {
  size_t length = 0;
  for (size_t i = 0; i < count; i++) {
    size_t bytes = text_length(parts[i]);
    if (length + bytes >= TEXT_BYTES) return false;
    memcpy(path + length, parts[i], bytes);
    length += bytes;
  }
  path[length] = 0;
  return true;
}

/* The number in a file of this process's group; ROOM_UNKNOWN where there is none, or none but "max". */
static int64_t number_in(const char *group, const char *name) {
  char path[TEXT_BYTES], text[TEXT_BYTES];
  const char *const parts[] = {"/sys/fs/cgroup", group, "/", name}, *at = text;
  if (!join(path, parts, 4) || !read_text(path, text) || *text < '0' || *text > '9') return ROOM_UNKNOWN;
  uint64_t value = text_decimal(&at);
  return value > INT64_MAX ? ROOM_UNKNOWN : (int64_t)value;
}

/* The value of a word at the start of a line; 0 when it is not there. */
static int64_t value_of(const char *text, const char *word) {
  for (const char *line = text; *line;) {
    if (text_begins(line, word)) {
      line += text_length(word);
      return (int64_t)text_decimal(&line);
    }
    while (*line && *line != '\n') line++;
    if (*line) line++;
  }
  return 0;
}

static int64_t cached_files(const char *group) {
  char path[TEXT_BYTES], text[TEXT_BYTES];
  const char *const parts[] = {"/sys/fs/cgroup", group, "/memory.stat"};
  if (!join(path, parts, 3) || !read_text(path, text)) return 0;
  return value_of(text, "inactive_file ") + value_of(text, "active_file ");
}

static int64_t room(int64_t limit, int64_t used) {
  if (limit == ROOM_UNKNOWN || used == ROOM_UNKNOWN) return ROOM_UNKNOWN;
  return limit > used ? limit - used : 0;
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* The path of the own group below the mount, of version 2; empty where it is the mount itself. */
static void own_group(char group[TEXT_BYTES]) {
  char text[TEXT_BYTES];
  *group = 0;
  if (!read_text("/proc/self/cgroup", text)) return;
  const char *line = text;
  while (*line && !text_begins(line, "0::/")) {
    while (*line && *line != '\n') line++;
    if (*line) line++;
  }
  if (!*line) return;
  size_t length = 0;
  for (line += 3; line[length] && line[length] != '\n'; length++) group[length] = line[length];
  group[length > 1 ? length : 0] = 0;
}

int64_t room_of_memory(void) {
  char group[TEXT_BYTES];
  own_group(group);
  int64_t left = ROOM_UNKNOWN;
  for (const char *at = group;; at = "") {
    int64_t free = room(number_in(at, "memory.max"), number_in(at, "memory.current"));
    if (free != ROOM_UNKNOWN) left = least(left, free + cached_files(at));
    if (!*at) break;
  }
  int64_t old = room(number_in("/memory", "memory.limit_in_bytes"), number_in("/memory", "memory.usage_in_bytes"));
  return old == ROOM_UNKNOWN ? left : least(left, old + cached_files("/memory"));
}

int64_t room_of_addresses(void) {
  const int64_t page = 4096;
  struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
  char text[TEXT_BYTES];
  if (CALL4(prlimit64, 0, RLIMIT_AS, NULL, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return ROOM_UNKNOWN;
  if (!read_text("/proc/self/statm", text)) return 0;
  const char *at = text;
  return room((int64_t)(limit.rlim_cur > INT64_MAX ? INT64_MAX : limit.rlim_cur), (int64_t)text_decimal(&at) * page);
}

bool may_be_so_large(uint64_t bytes) {
  struct rlimit limit = {0, 0};
  return CALL4(prlimit64, 0, RLIMIT_FSIZE, NULL, &limit) == 0 && limit.rlim_cur >= bytes;
}

int64_t room_of_processes(void) {
  char group[TEXT_BYTES];
  own_group(group);
  int64_t left = ROOM_UNKNOWN;
  for (const char *at = group;; at = "") {
    left = least(left, room(number_in(at, "pids.max"), number_in(at, "pids.current")));
    if (!*at) break;
  }
  return least(left, room(number_in("/pids", "pids.max"), number_in("/pids", "pids.current")));
}

/* ---- rights ---- */

/* The lines of /proc/PID/status on which rights are told. */
static bool read_rights(const char *pid, char text[TEXT_BYTES]) {
  static const char *const lines[] = {"Uid:",    "Gid:",    "Groups:",     "CapInh:",  "CapPrm:",         "CapEff:",
                                      "CapBnd:", "CapAmb:", "NoNewPrivs:", "Seccomp:", "Seccomp_filters:"};
  char path[TEXT_BYTES], all[TEXT_BYTES];
  const char *const parts[] = {"/proc/", pid, "/status"};
  size_t length = 0;
  if (!join(path, parts, 3) || !read_text(path, all)) return false;
  /* In very many groups: the lines behind them are not here. */
  if (text_length(all) == TEXT_BYTES - 1) return false;
  for (const char *line = all; *line;) {
    size_t bytes = 0;
    bool wanted = false;
    while (line[bytes] && line[bytes] != '\n') bytes++;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) wanted = wanted || text_begins(line, lines[i]);
    if (wanted) {
      memcpy(text + length, line, bytes);
      length += bytes;
    }
    line += bytes;
    if (*line) line++;
  }
  text[length] = 0;
  return length > 0;
}

static long read_link(const char *pid, const char *name, char text[TEXT_BYTES]) {
  char path[TEXT_BYTES];
  const char *const parts[] = {"/proc/", pid, name};
  return join(path, parts, 3) ? CALL4(readlinkat, AT_FDCWD, path, text, TEXT_BYTES) : -1;
}

/* Whether two processes have the same root, in the same namespaces. */
static bool same_root(const char *pid) {
  static const char *const names[] = {"/root", "/ns/mnt", "/ns/user"};
  char own[TEXT_BYTES], other[TEXT_BYTES];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    long first = read_link("self", names[i], own);
    long second = read_link(pid, names[i], other);
    /* Kernels that are no Linux have no such namespaces. */
    bool none = i > 0 && first <= 0 && second <= 0;
    if (!none && (first <= 0 || first != second || memcmp(own, other, (size_t)first) != 0)) return false;
  }
  return true;
}

uint64_t own_rights(void) {
  char text[TEXT_BYTES];
  return read_rights("self", text) ? pycds_hash(text, text_length(text)) : 0;
}

bool same_rights(int pid) {
  char digits[TEXT_DECIMAL_BYTES], own[TEXT_BYTES], other[TEXT_BYTES];
  const char *number = text_of_decimal(digits, (uint64_t)pid);
  return read_rights("self", own) && read_rights(number, other) && text_is(own, other) && same_root(number);
}
