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
  NOTED, /* in the template that this process was made of */
  OTHER  /* no directory, or nothing is known of it */
};

/* What there is in a directory under a name up to its first dot. */
enum kind {
  DIRECTORY = 1, /* or what may be one, such as a link */
  EXTENSION = 2,
  EXTENSIONS = 4, /* more than one */
  SOURCE = 8      /* or its bytecode */
};

struct stem {
  uint64_t hash; /* 0: none */
  unsigned kinds;
};

/* One directory of the search path, or a package, with the names in it. */
struct directory {
  struct directory *next;
  uint64_t path_hash;
  enum state state;
  int64_t looked; /* when */
  struct timespec changed;
  ino_t inode;
  struct stem *stems; /* open addressing */
  size_t capacity, used;
};

/* By the hash of their paths. */
#define CHAINS 256
static struct directory *chains[CHAINS];

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

/* The place of a stem, which may be empty. */
static struct stem *place_of(struct stem *stems, size_t capacity, uint64_t hash) {
  size_t at = hash & (capacity - 1);
  while (stems[at].hash && stems[at].hash != hash) at = (at + 1) & (capacity - 1);
  return &stems[at];
}

static bool add_stem(struct directory *d, uint64_t hash, unsigned kinds) {
  if (d->used * 2 >= d->capacity) {
    size_t capacity = d->capacity ? d->capacity * 2 : 64;
    struct stem *stems = calloc(capacity, sizeof *stems);
    if (!stems) return false;
    for (size_t i = 0; i < d->capacity; i++) {
      if (d->stems[i].hash) *place_of(stems, capacity, d->stems[i].hash) = d->stems[i];
    }
    free(d->stems);
    d->stems = stems;
    d->capacity = capacity;
  }
  struct stem *stem = place_of(d->stems, d->capacity, hash);
  if (!stem->hash) d->used++;
  stem->hash = hash;
  stem->kinds |= kinds | (stem->kinds & kinds & EXTENSION ? EXTENSIONS : 0);
  return true;
}

/* NULL where there is nothing of that name. */
static const struct stem *find_stem(const struct directory *d, uint64_t hash) {
  const struct stem *stem = d->capacity ? place_of(d->stems, d->capacity, hash) : NULL;
  return stem && stem->hash ? stem : NULL;
}

/* Of a name, with the length of its stem; 0: it is no module, as a stub file (.pyi) is none. */
static unsigned kind_of(const char *name, size_t length) {
  const char *suffix = name + length;
  if (!*suffix) return DIRECTORY;
  size_t rest = strlen(suffix);
  if (rest >= 3 && memcmp(suffix + rest - 3, ".so", 3) == 0) return EXTENSION;
  return strcmp(suffix, ".py") == 0 || strcmp(suffix, ".pyc") == 0 ? SOURCE : 0;
}

/* *programs: whether there are names that were left out since they are files. */
static bool list_directory(struct directory *d, const char *path, bool *programs) {
  _Alignas(8) static char buffer[16384];
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
      unsigned kinds = kind_of(entry->name, length);
      *programs |= is_program;
      if (length == 0 || is_program || kinds == 0) continue;
      done = add_stem(d, hash_stem(entry->name, length), kinds);
    }
  }
  close(fd);
  return done && got == 0;
}

static struct directory *directory_of(struct text path) {
  uint64_t hash = pycds_hash(path.bytes, path.length);
  struct directory **chain = &chains[hash % CHAINS], *d = *chain;
  while (d && d->path_hash != hash) d = d->next;
  if (d) return d;
  d = calloc(1, sizeof *d);
  if (!d) return NULL;
  d->path_hash = hash;
  d->next = *chain;
  return *chain = d;
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
    bool programs = false;
    d->state = list_directory(d, path, &programs) ? LISTED : OTHER;
    d->inode = status.st_ino;
    d->changed = status.st_mtim;
  }
}

void search_list(const char *path) {
  struct directory *d = directory_of((struct text){path, strlen(path)});
  bool programs = false;
  /* Equal names say nothing of what is a file. */
  if (d) d->state = list_directory(d, path, &programs) && !programs ? NOTED : UNKNOWN;
}

void search_listed(const char *path, uint64_t inode, int64_t seconds, int64_t nanoseconds) {
  struct directory *d = directory_of((struct text){path, strlen(path)});
  if (!d || d->state != NOTED) return;
  d->state = LISTED;
  d->inode = (ino_t)inode;
  d->changed = (struct timespec){(time_t)seconds, (long)nanoseconds};
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

/* A burst of imports looks once. Who makes modules and imports them at once has to call
 * importlib.invalidate_caches, as always. What a relative path leads to can change at any time. */
static const struct directory *look_into(const char *path) {
  struct directory *d = directory_of((struct text){path, strlen(path)});
  if (!d) return NULL;
  int64_t now = coarse_time();
  if (d->looked != now || path[0] != '/') look(d, path);
  d->looked = now;
  return d;
}

static bool join(const char *path, struct text name, char joined[MAX_PATH_BYTES]) {
  size_t length = strlen(path);
  if (length + name.length + 2 > MAX_PATH_BYTES) return false;
  memcpy(joined, path, length);
  joined[length] = '/';
  memcpy(joined + length + 1, name.bytes, name.length);
  joined[length + 1 + name.length] = 0;
  return true;
}

/* Whether what may be a directory is none, as a link to a program like /usr/bin/chardet. */
static bool is_program(const char *path, struct text name) {
  static char inside[MAX_PATH_BYTES];
  struct stat status;
  if (!join(path, name, inside)) return false;
  return syscall(SYS_newfstatat, AT_FDCWD, inside, &status, 0) == 0 ? !S_ISDIR(status.st_mode) : errno == ENOENT;
}

/* A directory in front of the one that held the module. */
static enum pycds_miss check_earlier_directory(const char *path, struct text name, uint64_t hash) {
  const struct directory *d = look_into(path);
  if (!d) return PYCDS_MISS_SHADOWED;
  if (d->state == ABSENT) return PYCDS_SERVED;
  if (d->state != LISTED) return PYCDS_MISS_SHADOWED;
  const struct stem *stem = find_stem(d, hash);
  bool has_none = !stem || (stem->kinds == DIRECTORY && is_program(path, name));
  return has_none ? PYCDS_SERVED : PYCDS_MISS_SHADOWED;
}

/* What a directory has of that name inside another one; NULL: nothing, or it is no directory. */
static const struct stem *stem_inside(const char *path, struct text name, const char *inner) {
  static char inside[MAX_PATH_BYTES];
  if (!join(path, name, inside)) return NULL;
  const struct directory *d = look_into(inside);
  return d && d->state == LISTED ? find_stem(d, hash_stem(inner, strlen(inner))) : NULL;
}

static bool ends_with(struct text text, const char *end) {
  size_t length = strlen(end);
  return text.length >= length && memcmp(text.bytes + text.length - length, end, length) == 0;
}

/* The directory that held the module: importlib takes a package before an extension module, and that before a source;
 * where it may not list the directory, nothing. */
static enum pycds_miss check_own_directory(const char *path, const struct facts *facts, uint64_t hash) {
  static const char init[] = "__init__";
  const struct directory *d = look_into(path);
  const struct stem *stem = d && d->state == LISTED ? find_stem(d, hash) : NULL;
  if (!stem) return PYCDS_MISS_PATH_DIFFERS;
  bool is_extension = ends_with(facts->origin, ".so");
  unsigned rivals = is_extension ? EXTENSIONS : EXTENSION;
  const struct stem *inside = stem->kinds & DIRECTORY ? stem_inside(path, text_after_dot(facts->name), init) : NULL;
  if (facts->is_package) return inside && !(inside->kinds & rivals) ? PYCDS_SERVED : PYCDS_MISS_SHADOWED;
  /* A directory alone, which has become a package, or a module. */
  if (!is_extension && !ends_with(facts->origin, ".py")) rivals |= SOURCE;
  return inside || (stem->kinds & rivals) ? PYCDS_MISS_SHADOWED : PYCDS_SERVED;
}

void search_forget(void) {
  for (size_t i = 0; i < CHAINS; i++) {
    for (struct directory *d = chains[i]; d; d = d->next) {
      d->state = UNKNOWN;
      d->looked = 0;
    }
  }
}

/* What sys.path_importer_cache has for an entry, which the path finder prefers to what the path hooks would make. */
static PyObject *known_finder(PyObject *item) {
  PyObject *finders = item_of(importlib.sys_dict, names.path_importer_cache);
  return finders && type_of(finders) == &PyDict_Type ? item_of(finders, item) : NULL;
}

static bool has_own_finder(PyObject *item) {
  PyObject *finder = known_finder(item);
  return finder && finder != &_Py_NoneStruct && type_of(finder) != (PyTypeObject *)importlib.file_finder;
}

enum place { THERE, NOWHERE, UNKNOWN_PLACE };

static bool copy_text(struct text text, char path[MAX_PATH_BYTES]) {
  if (text.length >= MAX_PATH_BYTES) return false;
  memcpy(path, text.bytes, text.length);
  path[text.length] = 0;
  return true;
}

static struct {
  bool may, known;
  char path[MAX_PATH_BYTES];
} here;

void search_remember(bool may) {
  here.may = may;
  here.known = false;
}

static enum place find_here(char path[MAX_PATH_BYTES]) {
  if (!here.known) {
    bool found = syscall(SYS_getcwd, here.path, sizeof here.path) > 0 && here.path[0] == '/';
    if (!found) return NOWHERE;
    here.known = here.may;
  }
  strcpy(path, here.path);
  return THERE;
}

/* The directory of an entry of the search path: "" is where the process is now, and another relative one is where it was
 * when importlib asked for it first, which its finder remembers. */
static enum place find_place(PyObject *item, struct text entry, char path[MAX_PATH_BYTES]) {
  if (entry.length == 0) return find_here(path);
  if (entry.bytes[0] == '/') return copy_text(entry, path) ? THERE : UNKNOWN_PLACE;
  PyObject *finder = known_finder(item);
  if (finder == &_Py_NoneStruct) return NOWHERE;
  PyObject *known = finder ? PyObject_GetAttr(finder, names.path) : NULL;
  Py_ssize_t length;
  const char *bytes = known && type_of(known) == &PyUnicode_Type ? PyUnicode_AsUTF8AndSize(known, &length) : NULL;
  bool found = bytes && copy_text((struct text){bytes, (size_t)length}, path);
  drop(known);
  return found ? THERE : UNKNOWN_PLACE;
}

/* Whether the module's source lies in the directory of its entry: a relative one may be another by now. */
static bool lies_in(const struct facts *facts, const char *path) {
  size_t length = strlen(path);
  if (facts->entry.length > 0 && facts->entry.bytes[0] == '/') return true;
  while (length > 1 && path[length - 1] == '/') length--;
  return facts->origin.length > length && memcmp(facts->origin.bytes, path, length) == 0 &&
         (facts->origin.bytes[length] == '/' || length == 1);
}

/* One entry of the search path: sets *reached when it is the one that held the module. */
static enum pycds_miss check_entry(PyObject *item, const struct facts *facts, uint64_t stem, bool look, bool *reached) {
  Py_ssize_t length;
  static char path[MAX_PATH_BYTES]; /* between find_place, which may call Python, and the end nothing does */
  if (type_of(item) != &PyUnicode_Type) return PYCDS_MISS_PATH_DIFFERS;
  const char *bytes = PyUnicode_AsUTF8AndSize(item, &length);
  if (!bytes) return PYCDS_MISS_PATH_DIFFERS;
  *reached = (size_t)length == facts->entry.length && memcmp(bytes, facts->entry.bytes, (size_t)length) == 0;
  if (has_own_finder(item)) return PYCDS_MISS_PATH_HOOKS;
  bool absolute = length > 0 && bytes[0] == '/';
  if (!look && absolute) return PYCDS_SERVED;
  enum place place = find_place(item, (struct text){bytes, (size_t)length}, path);
  /* importlib passes over it. */
  if (place == NOWHERE && !*reached) return PYCDS_SERVED;
  if (place != THERE) return PYCDS_MISS_PATH_DIFFERS;
  if (*reached && !lies_in(facts, path)) return PYCDS_MISS_PATH_DIFFERS;
  if (!look) return PYCDS_SERVED;
  return *reached ? check_own_directory(path, facts, stem)
                  : check_earlier_directory(path, text_after_dot(facts->name), stem);
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

enum pycds_miss search_check_file(const struct facts *facts) {
  struct stat status;
  static char path[MAX_PATH_BYTES];
  bool is_file = copy_text(facts->origin, path) && syscall(SYS_newfstatat, AT_FDCWD, path, &status, 0) == 0 &&
                 S_ISREG(status.st_mode);
  return is_file ? PYCDS_SERVED : PYCDS_MISS_SOURCE_MISSING;
}

enum pycds_miss search_check_source(const struct facts *facts, enum pycds_validate validate,
                                    const uint8_t python_magic[4]) {
  struct stat status;
  static char path[MAX_PATH_BYTES]; /* read before source_hash calls Python */
  if (validate == PYCDS_VALIDATE_NONE) return PYCDS_SERVED;
  if (!copy_text(facts->origin, path)) return PYCDS_MISS_PATH_DIFFERS;
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
