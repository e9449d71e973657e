// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "listing.h"

#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../format/hash.h"

/* As the kernel writes it: man getdents64. */
struct entry {
  uint64_t inode;
  int64_t next;
  uint16_t bytes;
  uint8_t type;
  char name[];
};

static bool counts(const char *name) {
  return strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, "__pycache__") != 0;
}

bool listing_digest(const char *path, uint64_t *digest) {
  _Alignas(8) char buffer[16384];
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  *digest = 0;
  long got;
  while ((got = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0) {
    for (long at = 0; at < got;) {
      const struct entry *entry = (const struct entry *)(buffer + at);
      if (counts(entry->name)) *digest += pycds_hash(entry->name, strlen(entry->name));
      at += entry->bytes;
    }
  }
  close(fd);
  return got == 0;
}
