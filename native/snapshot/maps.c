// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "maps.h"

#include <fcntl.h>

#include "../static/sys/syscalls.h"
#include "../static/sys/text.h"

const char *maps_line(const char *line, struct mapping *mapping) {
  const char *at = line;
  mapping->start = text_hex(&at);
  if (*at++ != '-') return NULL;
  mapping->end = text_hex(&at);
  if (*at++ != ' ') return NULL;
  for (int i = 0; i < 4; i++) {
    if (!at[i]) return NULL;
  }
  mapping->protection = (at[0] == 'r' ? 1 : 0) | (at[1] == 'w' ? 2 : 0) | (at[2] == 'x' ? 4 : 0);
  mapping->shared = at[3] == 's';
  at += 4;
  if (*at++ != ' ') return NULL;
  mapping->offset = text_hex(&at);
  if (*at++ != ' ') return NULL;
  mapping->major = (uint32_t)text_hex(&at);
  if (*at++ != ':') return NULL;
  mapping->minor = (uint32_t)text_hex(&at);
  mapping->inode = 0;
  for (at += *at == ' '; *at >= '0' && *at <= '9'; at++) mapping->inode = 10 * mapping->inode + (uint64_t)(*at - '0');
  while (*at == ' ') at++;
  mapping->name = at;
  while (*at && *at != '\n') at++;
  return *at ? at + 1 : at;
}

bool maps_is(const struct mapping *mapping, const char *name) {
  size_t length = text_length(name);
  return text_begins(mapping->name, name) && (mapping->name[length] == '\n' || mapping->name[length] == 0);
}

long maps_read(const char *path, char *into, uint64_t size) {
  long fd = CALL4(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return -1;
  uint64_t used = 0;
  long got = 0;
  while (used < size - 1 && (got = CALL3(read, fd, into + used, size - 1 - used)) > 0) used += (uint64_t)got;
  CALL1(close, fd);
  into[used] = 0;
  return got < 0 || used == size - 1 ? -1 : (long)used;
}
