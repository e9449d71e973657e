// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "search.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../../format/hash.h"
#include "../archive/regular.h"
#include "../host/importlib.h"

#define MAX_PATH_BYTES 4096

enum state {
  UNKNOWN,
  ABSENT,
  LISTED,
  OTHER /* no directory, or nothing is known of it */
};

/* One directory of the search path: the names in it up to their first dot, as hashes. */
struct directory {
  struct directory *next;
  uint64_t path_hash;
  enum state state;
  int64_t looked; /* when */
  int64_t asked;  /* when it was, whether this process may list it */
  bool is_open;
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
  /* What may not be listed is empty to importlib's finder. */
  if (fd < 0) return errno == EACCES || errno == EPERM;
  long got;
  bool done = true;
  while (done && (got = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0) {
    for (long at = 0; at < got && done;) {
      const struct entry64 *entry = (const void *)(buffer + at);
      at += entry->record_bytes;
      size_t length = 0;
      while (entry->name[length] && entry->name[length] != '.') length++;
      /* A program like /usr/bin/http is no module: a file needs a suffix, a directory none. */
      bool is_program = entry->type == DT_REG && entry->name[length] == 0;
      if (length > 0 && !is_program) done = add_stem(d, hash_stem(entry->name, length));
    }
  }
  close(fd);
  return done && got == 0;
}

static struct directory *directory_of(struct text path) {
  uint64_t hash = pycds_hash(path.bytes, path.length);
  struct directory *d = directories;
  while (d && d->path_hash != hash) d = d->next;
  if (d) return d;
  d = calloc(1, sizeof *d);
  if (!d) return NULL;
  d->path_hash = hash;
  d->next = directories;
  return directories = d;
}

static bool is_same(const struct directory *d, const struct stat *status) {
  return d->state == LISTED && d->inode == status->st_ino && d->changed.tv_sec == status->st_mtim.tv_sec &&
         d->changed.tv_nsec == status->st_mtim.tv_nsec;
}

/* A path that leads on behind a file may be one into a zip file. */
static void look(struct directory *d, const char *path) {
  struct stat status;
  if (syscall(SYS_newfstatat, AT_FDCWD, path, &status, 0) != 0) {
    d->state = errno == ENOENT || errno == EACCES || errno == EPERM ? ABSENT : OTHER;
  } else if (!S_ISDIR(status.st_mode)) {
    d->state = OTHER;
  } else if (!is_same(d, &status)) {
    d->state = list_directory(d, path) ? LISTED : OTHER;
    d->inode = status.st_ino;
    d->changed = status.st_mtim;
  }
}

/* Moves on every few milliseconds, as the time stamps of most file systems do. */
static int64_t coarse_time(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* The modes of most files give the answer; what else decides is only known by trying. */
static bool may_read(const char *path, const struct stat *status) {
  if ((status->st_mode & 0444) == 0444) return true;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
  if (fd < 0) return false;
  close(fd);
  return true;
}

/* In a directory that may not be listed importlib finds nothing, though the files in it may be read. */
static bool may_list(struct text entry) {
  struct text path = entry.length ? entry : (struct text){".", 1};
  struct directory *d = directory_of(path);
  if (!d) return false;
  int64_t now = coarse_time();
  if (d->asked != now || path.bytes[0] != '/') {
    struct stat status;
    d->is_open = syscall(SYS_newfstatat, AT_FDCWD, path.bytes, &status, 0) == 0 && may_read(path.bytes, &status);
  }
  d->asked = now;
  return d->is_open;
}

/* A burst of imports looks once. Who makes modules and imports them at once has to call
 * importlib.invalidate_caches, as always. What "." is can change at any time. */
static enum pycds_miss check_directory(struct text entry, uint64_t stem) {
  struct text path = entry.length ? entry : (struct text){".", 1};
  struct directory *d = directory_of(path);
  if (!d) return PYCDS_MISS_SHADOWED;
  int64_t now = coarse_time();
  if (d->looked != now || path.bytes[0] != '/') look(d, path.bytes);
  d->looked = now;
  return d->state == ABSENT || (d->state == LISTED && !has_stem(d, stem)) ? PYCDS_SERVED : PYCDS_MISS_SHADOWED;
}

void search_forget(void) {
  for (struct directory *d = directories; d; d = d->next) {
    d->state = UNKNOWN;
    d->looked = d->asked = 0;
  }
}

/* The path finder prefers what is in sys.path_importer_cache to what the path hooks would make. */
static bool has_own_finder(PyObject *item) {
  PyObject *finders = item_of(importlib.sys_dict, names.path_importer_cache);
  PyObject *finder = finders && type_of(finders) == &PyDict_Type ? item_of(finders, item) : NULL;
  return finder && finder != &_Py_NoneStruct && type_of(finder) != (PyTypeObject *)importlib.file_finder;
}

/* One entry of the search path: sets *reached when it is the one that held the module. */
static enum pycds_miss check_entry(PyObject *item, const struct facts *facts, uint64_t stem, bool look, bool *reached) {
  Py_ssize_t length;
  if (type_of(item) != &PyUnicode_Type) return PYCDS_MISS_PATH_DIFFERS;
  const char *bytes = PyUnicode_AsUTF8AndSize(item, &length);
  if (!bytes) return PYCDS_MISS_PATH_DIFFERS;
  *reached = (size_t)length == facts->entry.length && memcmp(bytes, facts->entry.bytes, (size_t)length) == 0;
  if (has_own_finder(item)) return PYCDS_MISS_PATH_HOOKS;
  if (!look) return PYCDS_SERVED;
  struct text entry = {bytes, (size_t)length};
  if (*reached) return may_list(entry) ? PYCDS_SERVED : PYCDS_MISS_PATH_DIFFERS;
  return check_directory(entry, stem);
}

enum pycds_miss search_check(PyObject *path, const struct facts *facts, bool check_earlier) {
  struct text last = text_after_dot(facts->name);
  uint64_t stem = hash_stem(last.bytes, last.length);
  enum pycds_miss miss = PYCDS_SERVED;
  bool reached = false;
  Py_ssize_t count = type_of(path) == &PyList_Type ? PyList_Size(path) : 0;
  for (Py_ssize_t i = 0; i < count && !reached && !miss; i++) {
    miss = check_entry(PyList_GetItem(path, i), facts, stem, check_earlier, &reached);
  }
  PyErr_Clear();
  return miss || reached ? miss : PYCDS_MISS_PATH_DIFFERS;
}

bool search_find_nothing(PyObject *path, const struct facts *facts) {
  struct text last = text_after_dot(facts->name);
  uint64_t stem = hash_stem(last.bytes, last.length);
  /* No entry of a search path is this. */
  struct facts nowhere = {.name = facts->name, .entry = {"\0", 1}};
  bool nothing = true, reached;
  Py_ssize_t count = type_of(path) == &PyList_Type ? PyList_Size(path) : -1;
  for (Py_ssize_t i = 0; i < count && nothing; i++)
    nothing = check_entry(PyList_GetItem(path, i), &nowhere, stem, true, &reached) == PYCDS_SERVED;
  PyErr_Clear();
  return nothing && count >= 0;
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
  int fd = open_regular(path, &status);
  if (fd < 0) goto out;
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

/* The source's path, terminated, in `path`. */
static bool copy_path(const struct facts *facts, char path[MAX_PATH_BYTES]) {
  if (facts->origin.length >= MAX_PATH_BYTES) return false;
  memcpy(path, facts->origin.bytes, facts->origin.length);
  path[facts->origin.length] = 0;
  return true;
}

enum pycds_miss search_check_file(const struct facts *facts) {
  struct stat status;
  char path[MAX_PATH_BYTES];
  bool is_file =
      copy_path(facts, path) && syscall(SYS_newfstatat, AT_FDCWD, path, &status, 0) == 0 && S_ISREG(status.st_mode);
  return is_file ? PYCDS_SERVED : PYCDS_MISS_SOURCE_MISSING;
}

enum pycds_miss search_check_source(const struct facts *facts, enum pycds_validate validate,
                                    const uint8_t python_magic[4]) {
  struct stat status;
  char path[MAX_PATH_BYTES];
  if (validate == PYCDS_VALIDATE_NONE) return PYCDS_SERVED;
  if (!copy_path(facts, path)) return PYCDS_MISS_PATH_DIFFERS;
  if (syscall(SYS_newfstatat, AT_FDCWD, path, &status, 0) != 0) return PYCDS_MISS_SOURCE_MISSING;
  /* Nothing else is a module for the path finder, whatever its size and time. */
  if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size != facts->source_size) return PYCDS_MISS_SOURCE_CHANGED;
  /* Without its source importlib would have bytecode or fail: it knows. */
  if (!may_read(path, &status)) return PYCDS_MISS_SOURCE_CLOSED;
  if (validate == PYCDS_VALIDATE_STAT) {
    if (status.st_mtim.tv_sec == facts->source_mtime) return PYCDS_SERVED;
    /* Exporters of images set all times anew: then the content decides. */
    if (facts->source_hash == 0) return PYCDS_MISS_SOURCE_CHANGED;
  }
  uint64_t hash;
  return source_hash(path, python_magic, &hash) && hash == facts->source_hash ? PYCDS_SERVED
                                                                              : PYCDS_MISS_SOURCE_CHANGED;
}
