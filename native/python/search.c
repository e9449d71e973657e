// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "search.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../core/hash.h"

#define MAX_PATH_BYTES 4096

/* One directory of the search path: the names in it up to their first dot, as hashes. */
struct directory {
  struct directory *next;
  uint64_t path_hash;
  struct timespec changed;
  ino_t inode;
  uint64_t *stems; /* open addressing; 0 is empty */
  size_t capacity, used;
};

static struct directory *directories;

struct entry64 {
  uint64_t inode;
  int64_t offset;
  unsigned short record_bytes;
  unsigned char type;
  char name[];
};

static uint64_t hash_stem(const char *name, size_t length) {
  uint64_t hash = pycds_hash(name, length);
  return hash ? hash : 1;
}

static bool insert(uint64_t *stems, size_t capacity, uint64_t hash) {
  size_t at = hash & (capacity - 1);
  for (; stems[at]; at = (at + 1) & (capacity - 1)) {
    if (stems[at] == hash) return false;
  }
  stems[at] = hash;
  return true;
}

static bool add_stem(struct directory *d, uint64_t hash) {
  if (d->used * 2 >= d->capacity) {
    size_t capacity = d->capacity ? d->capacity * 2 : 256;
    uint64_t *stems = calloc(capacity, sizeof *stems);
    if (!stems) return false;
    for (size_t i = 0; i < d->capacity; i++) {
      if (d->stems[i]) insert(stems, capacity, d->stems[i]);
    }
    free(d->stems);
    d->stems = stems;
    d->capacity = capacity;
  }
  if (insert(d->stems, d->capacity, hash)) d->used++;
  return true;
}

static bool has_stem(const struct directory *d, uint64_t hash) {
  if (!d->capacity) return false;
  for (size_t at = hash & (d->capacity - 1); d->stems[at]; at = (at + 1) & (d->capacity - 1)) {
    if (d->stems[at] == hash) return true;
  }
  return false;
}

static bool list_directory(struct directory *d, const char *path) {
  _Alignas(8) char buffer[16384];
  free(d->stems);
  d->stems = NULL;
  d->capacity = d->used = 0;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0) return false;
  long got;
  bool done = true;
  while (done && (got = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0) {
    for (long at = 0; at < got && done;) {
      const struct entry64 *entry = (const void *)(buffer + at);
      at += entry->record_bytes;
      size_t length = 0;
      while (entry->name[length] && entry->name[length] != '.') length++;
      if (length > 0) done = add_stem(d, hash_stem(entry->name, length));
    }
  }
  close(fd);
  return done && got == 0;
}

/* Up-to-date listing of a directory; NULL when it cannot be had. */
static struct directory *directory_at(const char *path, size_t length, const struct stat *status) {
  uint64_t hash = pycds_hash(path, length);
  struct directory *d = directories;
  while (d && d->path_hash != hash) d = d->next;
  if (!d) {
    d = calloc(1, sizeof *d);
    if (!d) return NULL;
    d->path_hash = hash;
    d->next = directories;
    directories = d;
  } else if (d->inode == status->st_ino && d->changed.tv_sec == status->st_mtim.tv_sec &&
             d->changed.tv_nsec == status->st_mtim.tv_nsec) {
    return d;
  }
  d->inode = 0;
  if (!list_directory(d, path)) return NULL;
  d->inode = status->st_ino;
  d->changed = status->st_mtim;
  return d;
}

static enum pycds_miss check_entry(const char *entry, size_t length, uint64_t stem) {
  struct stat status;
  const char *path = length ? entry : "."; /* the directory's identity tells when "." is another one */
  if (!length) length = 1;
  if (syscall(SYS_newfstatat, AT_FDCWD, path, &status, 0) != 0) {
    return errno == ENOENT || errno == ENOTDIR ? PYCDS_SERVED : PYCDS_MISS_SHADOWED;
  }
  if (!S_ISDIR(status.st_mode)) return PYCDS_MISS_SHADOWED;
  const struct directory *d = directory_at(path, length, &status);
  return d && !has_stem(d, stem) ? PYCDS_SERVED : PYCDS_MISS_SHADOWED;
}

static uint64_t stem_of_module(const struct pycds_unit_view *module) {
  size_t end = module->header->name_bytes, start = end;
  while (start > 0 && module->name[start - 1] != '.') start--;
  return hash_stem(module->name + start, end - start);
}

enum pycds_miss search_check(PyObject *path, const struct pycds_unit_view *module, int check_earlier) {
  uint64_t stem = stem_of_module(module);
  enum pycds_miss miss = PYCDS_MISS_PATH_DIFFERS;
  Py_ssize_t count = PySequence_Size(path);
  for (Py_ssize_t i = 0; i < count; i++) {
    Py_ssize_t length;
    PyObject *item = PySequence_GetItem(path, i);
    const char *entry = item ? PyUnicode_AsUTF8AndSize(item, &length) : NULL;
    bool reached =
        entry && (size_t)length == module->header->entry_bytes && memcmp(entry, module->entry, (size_t)length) == 0;
    enum pycds_miss here = PYCDS_SERVED;
    if (!reached && check_earlier) here = entry ? check_entry(entry, (size_t)length, stem) : PYCDS_MISS_PATH_DIFFERS;
    if (item) Py_DecRef(item);
    if (reached || here != PYCDS_SERVED) {
      miss = here;
      break;
    }
  }
  PyErr_Clear();
  return miss;
}

/* importlib.util.source_hash of a file, as CPython itself computes it for hash-based .pyc. */
static bool source_hash(const char *path, const uint8_t python_magic[4], uint64_t *hash) {
  bool done = false;
  PyObject *imp = NULL, *data = NULL, *key = NULL, *function = NULL, *result = NULL;
  uint32_t magic;
  struct stat status;
  char *bytes;
  Py_ssize_t length;
  memcpy(&magic, python_magic, sizeof magic);
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0 || syscall(SYS_newfstatat, fd, "", &status, AT_EMPTY_PATH) != 0) goto out;
  data = PyBytes_FromStringAndSize(NULL, status.st_size);
  if (!data || PyBytes_AsStringAndSize(data, &bytes, &length) != 0) goto out;
  for (Py_ssize_t got = 0; got < length;) {
    ssize_t step = read(fd, bytes + got, (size_t)(length - got));
    if (step <= 0) goto out;
    got += step;
  }
  imp = PyImport_ImportModule("_imp");
  function = imp ? PyObject_GetAttrString(imp, "source_hash") : NULL;
  key = PyLong_FromLongLong(magic);
  result = function && key ? PyObject_CallFunctionObjArgs(function, key, data, NULL) : NULL;
  if (!result || PyBytes_AsStringAndSize(result, &bytes, &length) != 0 || length != sizeof *hash) goto out;
  memcpy(hash, bytes, sizeof *hash);
  done = true;
out:
  if (fd >= 0) close(fd);
  PyObject *all[] = {imp, data, key, function, result};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (all[i]) Py_DecRef(all[i]);
  }
  PyErr_Clear();
  return done;
}

enum pycds_miss search_check_source(const struct pycds_unit_view *module, enum pycds_validate validate,
                                    const uint8_t python_magic[4]) {
  const struct pycds_unit *h = module->header;
  struct stat status;
  char path[MAX_PATH_BYTES];
  if (validate == PYCDS_VALIDATE_NONE) return PYCDS_SERVED;
  if (h->origin_bytes >= sizeof path) return PYCDS_MISS_PATH_DIFFERS;
  memcpy(path, module->origin, h->origin_bytes);
  path[h->origin_bytes] = 0;
  if (syscall(SYS_newfstatat, AT_FDCWD, path, &status, 0) != 0) return PYCDS_MISS_SOURCE_MISSING;
  if ((uint64_t)status.st_size != h->source_size) return PYCDS_MISS_SOURCE_CHANGED;
  if (validate == PYCDS_VALIDATE_STAT) {
    return status.st_mtim.tv_sec == h->source_mtime ? PYCDS_SERVED : PYCDS_MISS_SOURCE_CHANGED;
  }
  uint64_t hash;
  return source_hash(path, python_magic, &hash) && hash == h->source_hash ? PYCDS_SERVED : PYCDS_MISS_SOURCE_CHANGED;
}
