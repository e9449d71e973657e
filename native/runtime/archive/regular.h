// SPDX-License-Identifier: Apache-2.0
// Opening files that are to be read whole: what lies at the path by now may be anything.
#ifndef PYCDS_RUNTIME_REGULAR_H
#define PYCDS_RUNTIME_REGULAR_H

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A descriptor for reading, and what it is of; -1 for what is no regular file. Opening one of those without
 * O_NONBLOCK would wait, a pipe for somebody who writes to it. */
static inline int open_regular(const char *path, struct stat *status) {
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
  if (fd < 0) return -1;
  if (syscall(SYS_newfstatat, fd, "", status, AT_EMPTY_PATH) == 0 && S_ISREG(status->st_mode)) return fd;
  close(fd);
  return -1;
}

#endif
