// SPDX-License-Identifier: Apache-2.0
// CPython draws the secret when it has its configuration, and makes its first text a few steps later. It has no setting for more
// than 32 bits of it, and calls nothing in between but the allocator of raw memory, for its copy of the configuration.
#define _GNU_SOURCE
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../cpython/allocator.h"
#include "freeze.h"

/* A file that is there for as long as a bake freezes. */
#define VARIABLE "PYCDS_FREEZE_SECRET"
#define HASH_SEED_VARIABLE "PYTHONHASHSEED"
/* Include/internal/pycore_pyhash.h: _Py_HashSecret_t. */
#define SECRET_BYTES 24

extern __attribute__((weak)) unsigned char _Py_HashSecret[SECRET_BYTES];

static struct {
  bool is_known;
  unsigned char bytes[SECRET_BYTES];
  struct allocator allocator;
} secret;

/* ---- the file ---- */

static bool read_secret(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  bool is_whole = fd >= 0 && read(fd, secret.bytes, SECRET_BYTES) == SECRET_BYTES;
  if (fd >= 0) close(fd);
  return is_whole;
}

/* Whoever comes second finds a whole one. */
static bool write_secret(const char *path) {
  char *own = NULL;
  if (syscall(SYS_getrandom, secret.bytes, SECRET_BYTES, 0) != SECRET_BYTES ||
      asprintf(&own, "%s.%ld", path, syscall(SYS_getpid)) < 0)
    return false;
  int fd = open(own, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  bool is_written = fd >= 0 && write(fd, secret.bytes, SECRET_BYTES) == SECRET_BYTES;
  if (fd >= 0) close(fd);
  if (is_written && link(own, path) != 0) is_written = errno == EEXIST && read_secret(path);
  if (fd >= 0) unlink(own);
  free(own);
  return is_written;
}

void secret_configure(void) {
  const char *path = getenv(VARIABLE), *given = getenv(HASH_SEED_VARIABLE);
  /* A secret that the image has set is the same in all templates anyhow. */
  bool is_set = given && *given && strcmp(given, "random") != 0;
  if (path && *path && !is_set) {
    secret.is_known = read_secret(path) || write_secret(path);
    if (!secret.is_known) freeze_refuse("there is no secret of hash() at %s", path);
  }
  unsetenv(VARIABLE);
}

/* ---- the start of the interpreter ---- */

static void put(void) {
  if (secret.is_known) memcpy(_Py_HashSecret, secret.bytes, SECRET_BYTES);
}

static void *put_and_malloc(void *context, size_t bytes) {
  put();
  return secret.allocator.malloc(context, bytes);
}

static void *put_and_calloc(void *context, size_t count, size_t bytes) {
  put();
  return secret.allocator.calloc(context, count, bytes);
}

static void *put_and_realloc(void *context, void *block, size_t bytes) {
  put();
  return secret.allocator.realloc(context, block, bytes);
}

void secret_begin(void) {
  /* An interpreter may keep it to itself: what goes by the order of a set is left out there (values.py). */
  secret.is_known = secret.is_known && _Py_HashSecret;
  if (!secret.is_known) return;
  PyMem_GetAllocator(OF_RAW_MEMORY, &secret.allocator);
  struct allocator ours = secret.allocator;
  ours.malloc = put_and_malloc;
  ours.calloc = put_and_calloc;
  ours.realloc = put_and_realloc;
  PyMem_SetAllocator(OF_RAW_MEMORY, &ours);
}

void secret_end(void) {
  if (!secret.is_known) return;
  PyMem_SetAllocator(OF_RAW_MEMORY, &secret.allocator);
  if (memcmp(_Py_HashSecret, secret.bytes, SECRET_BYTES) != 0) freeze_refuse("its secret of hash() is another one");
  /* The functions stay: tracemalloc takes down at the start of the interpreter what it will call once it is started. */
  secret.is_known = false;
  memset(secret.bytes, 0, SECRET_BYTES);
}
