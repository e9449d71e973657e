// SPDX-License-Identifier: Apache-2.0
// Sees who reads random bytes from a device, which it may have opened long before, and who reads standard input, which is
// another one in each process. Part of the library that is preloaded into a template that is watched.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "watch.h"

#define EXPORTED __attribute__((visibility("default")))
#define CALLER __builtin_return_address(0)

/* Of the device: major 1, minor 8 or 9. */
static void note_read(int fd, size_t bytes, const void *caller) {
  struct stat status;
  int error = errno;
  if (fd == STDIN_FILENO) watch_note_input();
  if (bytes > 0 && syscall(SYS_fstat, fd, &status) == 0 && S_ISCHR(status.st_mode) &&
      (status.st_rdev == makedev(1, 8) || status.st_rdev == makedev(1, 9)))
    watch_note_drawn(bytes, caller);
  errno = error;
}

EXPORTED ssize_t read(int fd, void *buffer, size_t bytes) {
  note_read(fd, bytes, CALLER);
  return syscall(SYS_read, fd, buffer, bytes);
}

EXPORTED ssize_t __read_chk(int fd, void *buffer, size_t bytes, size_t room) {
  (void)room;
  note_read(fd, bytes, CALLER);
  return syscall(SYS_read, fd, buffer, bytes);
}

EXPORTED ssize_t pread64(int fd, void *buffer, size_t bytes, off64_t offset) {
  note_read(fd, bytes, CALLER);
  return syscall(SYS_pread64, fd, buffer, bytes, offset);
}

EXPORTED ssize_t pread(int fd, void *buffer, size_t bytes, off_t offset) {
  note_read(fd, bytes, CALLER);
  return syscall(SYS_pread64, fd, buffer, bytes, offset);
}

EXPORTED ssize_t readv(int fd, const struct iovec *parts, int count) {
  note_read(fd, count > 0 ? parts[0].iov_len : 0, CALLER);
  return syscall(SYS_readv, fd, parts, count);
}

EXPORTED off64_t lseek64(int fd, off64_t offset, int from) {
  if (fd == STDIN_FILENO) watch_note_input();
  return syscall(SYS_lseek, fd, offset, from);
}

EXPORTED off_t lseek(int fd, off_t offset, int from) { return lseek64(fd, offset, from); }

/* What a stream reads comes by no function that could be seen. */
static FILE *open_stream(const char *function, const char *path, const char *mode, const void *caller) {
  FILE *(*next)(const char *, const char *) = (FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, function);
  FILE *stream = next(path, mode);
  if (stream) note_read(fileno(stream), 1, caller);
  return stream;
}

EXPORTED FILE *fopen(const char *path, const char *mode) { return open_stream("fopen", path, mode, CALLER); }

EXPORTED FILE *fopen64(const char *path, const char *mode) { return open_stream("fopen64", path, mode, CALLER); }
