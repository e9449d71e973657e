// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "../../format/places.h"
#include "../../static/sys/syscalls.h"
#include "../../static/sys/text.h"

#define DESCRIPTOR_MINIMUM 200
#define OTHERS_WRITE (S_IWGRP | S_IWOTH)

static long open_directory(long at, const char *path) {
  return CALL4(openat, at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
}

static bool look_at(long directory, struct stat *status) {
  return CALL4(newfstatat, directory, "", status, AT_EMPTY_PATH) == 0;
}

int directory_move(long descriptor) {
  long moved = CALL3(fcntl, descriptor, F_DUPFD_CLOEXEC, DESCRIPTOR_MINIMUM);
  if (moved < 0) return (int)descriptor; /* the limit may be lower */
  CALL1(close, descriptor);
  return (int)moved;
}

/* The own directory in one that others may write to; its name goes behind the path. */
static enum learn_status open_own(long shared, struct directory *out, long *own) {
  const size_t prefix = sizeof PYCDS_LEARNED_OF_USER - 1;
  char name[TEXT_DECIMAL_BYTES + sizeof PYCDS_LEARNED_OF_USER] = PYCDS_LEARNED_OF_USER, digits[TEXT_DECIMAL_BYTES];
  struct stat status;
  const uint64_t user = (uint64_t)CALL0(geteuid);
  const char *number = text_of_decimal(digits, user);
  size_t length = text_length(out->path);
  memcpy(name + prefix, number, text_length(number) + 1);
  if (length + text_length(name) + 2 > sizeof out->path) return LEARN_NO_DIRECTORY;
  CALL3(mkdirat, shared, name, S_IRWXU);
  *own = open_directory(shared, name);
  if (*own == -ENOENT) return LEARN_UNWRITABLE;
  if (*own < 0) return LEARN_FOREIGN_DIRECTORY;
  bool ours = look_at(*own, &status) && status.st_uid == user;
  /* Volumes that are mounted for a group get its rights on all that is there. Each file is looked at on its own. */
  if (ours && (status.st_mode & OTHERS_WRITE) != 0)
    ours = CALL2(fchmod, *own, S_IRWXU) == 0 && look_at(*own, &status) && (status.st_mode & OTHERS_WRITE) == 0;
  if (!ours) {
    CALL1(close, *own);
    return LEARN_FOREIGN_DIRECTORY;
  }
  out->path[length] = '/';
  memcpy(out->path + length + 1, name, text_length(name) + 1);
  return LEARN_OFF;
}

enum learn_status directory_open(const char *path, struct directory *out) {
  struct stat status;
  size_t length = text_length(path);
  out->descriptor = -1;
  if (*path != '/' || length >= sizeof out->path) return LEARN_NO_DIRECTORY;
  memcpy(out->path, path, length + 1);
  /* Behind a link that ends in a slash is what it leads to. */
  while (length > 1 && out->path[length - 1] == '/') out->path[--length] = 0;
  long directory = open_directory(AT_FDCWD, out->path);
  if (directory < 0) {
    CALL3(mkdirat, AT_FDCWD, out->path, S_IRWXU);
    directory = open_directory(AT_FDCWD, out->path);
  }
  if (directory < 0) return directory == -EACCES ? LEARN_UNWRITABLE : LEARN_NO_DIRECTORY;
  bool known = look_at(directory, &status);
  if (known && (status.st_mode & OTHERS_WRITE) != 0) {
    long own = -1;
    enum learn_status refused = open_own(directory, out, &own);
    CALL1(close, directory);
    if (refused) return refused;
    directory = own;
  } else if (!known || (status.st_uid != 0 && status.st_uid != (uid_t)CALL0(geteuid))) {
    CALL1(close, directory);
    return LEARN_FOREIGN_DIRECTORY;
  }
  if (!look_at(directory, &status)) {
    CALL1(close, directory);
    return LEARN_FOREIGN_DIRECTORY;
  }
  out->device = status.st_dev;
  out->inode = status.st_ino;
  out->descriptor = directory_move(directory);
  return LEARN_OFF;
}

void directory_close(struct directory *directory) {
  if (directory->descriptor >= 0) CALL1(close, directory->descriptor);
  directory->descriptor = -1;
}

int directory_again(const struct directory *directory) {
  struct stat status;
  long again = open_directory(AT_FDCWD, directory->path);
  if (again < 0) return -1;
  if (look_at(again, &status) && status.st_dev == directory->device && status.st_ino == directory->inode) {
    return (int)again;
  }
  CALL1(close, again);
  return -1;
}
