// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "listing.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../format/hash.h"
#include "status.h"

/* As the kernel writes it: man getdents64. */
struct entry {
  uint64_t inode;
  int64_t next;
  uint16_t bytes;
  uint8_t type;
  char name[];
};

static bool is_own(const char *name) { return strcmp(name, ".") != 0 && strcmp(name, "..") != 0; }

uint64_t listing_digest_of_name(const char *name, size_t length) {
  return is_own(name) && strcmp(name, "__pycache__") != 0 ? pycds_hash(name, length) : 0;
}

static uint64_t digest_of_name(int directory, const struct entry *entry) {
  (void)directory;
  return listing_digest_of_name(entry->name, strlen(entry->name));
}

static unsigned kind_at(int directory, const char *name, int flags) {
  struct stat status;
  return syscall(SYS_newfstatat, directory, name, &status, flags) == 0 ? status.st_mode & S_IFMT : 0;
}

static uint64_t digest_of_kind(int directory, const struct entry *entry) {
  if (!is_own(entry->name)) return 0;
  struct {
    uint64_t name;
    unsigned kind, leads_to;
  } all = {pycds_hash(entry->name, strlen(entry->name)), (unsigned)entry->type << 12, 0};
  if (entry->type == 0) all.kind = kind_at(directory, entry->name, AT_SYMLINK_NOFOLLOW);
  if (all.kind == S_IFLNK) all.leads_to = kind_at(directory, entry->name, 0);
  return pycds_hash(&all, sizeof all);
}

static bool digest_all(const char *path, uint64_t (*of)(int, const struct entry *), uint64_t *digest,
                       struct stat *status) {
  _Alignas(8) char buffer[16384];
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  *digest = 0;
  long got = status && !status_of_descriptor(fd, status) ? -1 : 0;
  while (got >= 0 && (got = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0) {
    for (long at = 0; at < got;) {
      const struct entry *entry = (const struct entry *)(buffer + at);
      *digest += of(fd, entry);
      at += entry->bytes;
    }
  }
  close(fd);
  return got == 0;
}

bool listing_digest(const char *path, uint64_t *digest, struct stat *status) {
  return digest_all(path, digest_of_name, digest, status);
}

bool listing_digest_of_kinds(const char *path, uint64_t *digest) {
  return digest_all(path, digest_of_kind, digest, NULL);
}
