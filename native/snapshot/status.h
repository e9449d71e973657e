// SPDX-License-Identifier: Apache-2.0
// stat and fstat by system calls: glibc has functions of these names since 2.33 only. The kernel's struct is the library's.
#ifndef PYCDS_SNAPSHOT_STATUS_H
#define PYCDS_SNAPSHOT_STATUS_H

#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline bool status_of_path(const char *path, struct stat *status) {
  return syscall(SYS_newfstatat, AT_FDCWD, path, status, 0) == 0;
}

static inline bool status_of_descriptor(int fd, struct stat *status) { return syscall(SYS_fstat, fd, status) == 0; }

#endif
