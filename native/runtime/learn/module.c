// SPDX-License-Identifier: Apache-2.0
// What a record says of a source is what was there before importlib read it: if somebody changes it meanwhile, the
// record is of a source that is no longer there, and its code is never used.
#define _GNU_SOURCE
#include "module.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "../../cpython/object.h"
#include "../../cpython/sys_flag.h"
#include "../../format/buffer.h"
#include "../../static/sys/syscalls.h"
#include "../archive/facts.h"
#include "../host/importlib.h"
#include "../host/replaced.h"
#include "instructions.h"
#include "log.h"
#include "marshal.h"
#include "regexes.h"

static bool text_of(PyObject *object, struct text *text) {
  Py_ssize_t length;
  if (!object || type_of(object) != &PyUnicode_Type) return false;
  text->bytes = PyUnicode_AsUTF8AndSize(object, &length);
  if (text->bytes) text->length = (size_t)length;
  return text->bytes && !memchr(text->bytes, 0, text->length);
}

/* ---- the bytecode file ---- */

static struct {
  bool asked, plain;
  char suffix[256]; /* such as ".cpython-311.pyc" */
  size_t bytes;
} cache;

/* What importlib puts behind the name of a source; not `plain`: it puts bytecode elsewhere, or nowhere. */
static void ask_suffix(void) {
  struct text tag;
  PyObject *all = PySys_GetObject("implementation");
  PyObject *value = all ? PyObject_GetAttrString(all, "cache_tag") : NULL;
  long optimize = sys_flag("optimize");
  cache.asked = true;
  if (text_of(value, &tag) && tag.length < sizeof cache.suffix - 16) {
    char *at = cache.suffix;
    *at++ = '.';
    memcpy(at, tag.bytes, tag.length);
    at += tag.length;
    if (optimize > 0) {
      memcpy(at, ".opt-", 5);
      at[5] = (char)('0' + optimize);
      at += 6;
    }
    memcpy(at, ".pyc", 4);
    cache.bytes = (size_t)(at + 4 - cache.suffix);
    cache.plain = true;
  }
  drop(value);
  PyErr_Clear();
}

static bool find_cached(struct text origin, struct before *before) {
  static const char folder[] = "__pycache__/";
  PyObject *prefix = PySys_GetObject("pycache_prefix");
  if (!cache.asked) ask_suffix();
  if (!cache.plain || (prefix && prefix != &_Py_NoneStruct)) return false;
  size_t base = origin.length, stem;
  while (base > 0 && origin.bytes[base - 1] != '/') base--;
  stem = origin.length;
  while (stem > base && origin.bytes[stem - 1] != '.') stem--;
  stem = stem > base ? stem - 1 : origin.length;
  if (origin.length + sizeof folder + cache.bytes >= sizeof before->cached) return false;
  char *at = before->cached;
  memcpy(at, origin.bytes, base);
  memcpy(at + base, folder, sizeof folder - 1);
  at += base + sizeof folder - 1;
  memcpy(at, origin.bytes + base, stem - base);
  memcpy(at + (stem - base), cache.suffix, cache.bytes);
  before->cached_bytes = stem + sizeof folder - 1 + cache.bytes;
  before->cached[before->cached_bytes] = 0;
  return true;
}

static void look_at_bytecode(struct before *before) {
  struct stat status;
  uint8_t head[BYTECODE_HEAD_BYTES], magic[4];
  long file = CALL4(openat, AT_FDCWD, before->cached, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
  if (file < 0) return;
  if (learn_magic(magic) && CALL4(newfstatat, file, "", &status, AT_EMPTY_PATH) == 0 && S_ISREG(status.st_mode) &&
      CALL3(read, file, head, sizeof head) == (long)sizeof head &&
      (bytecode_is_of_hash(head, magic) || bytecode_fits(head, magic, before->mtime, (int64_t)before->size))) {
    before->bytecode_bytes = bytecode_identity(&status, before->bytecode);
  }
  CALL1(close, file);
}

void learn_before(PyObject *loader, PyObject *name, struct before *before) {
  before->known = false;
  if (!log_is_open()) return;
  PyObject *attributes = PyObject_GetAttr(loader, names.dunder_dict);
  struct text origin;
  struct stat status;
  bool plain =
      attributes && type_of(attributes) == &PyDict_Type && !replaced_on_loader(attributes) && !replaced_any(READING);
  PyObject *own = plain ? item_of(attributes, names.name) : NULL,
           *path = plain ? item_of(attributes, names.path) : NULL;
  bool same = own && type_of(own) == &PyUnicode_Type && (own == name || PyUnicode_Compare(own, name) == 0);
  if (same && text_of(path, &origin) && origin.length > 0 && *origin.bytes == '/' &&
      CALL4(newfstatat, AT_FDCWD, origin.bytes, &status, 0) == 0 && S_ISREG(status.st_mode)) {
    before->known = true;
    before->path = path;
    before->mtime = status.st_mtim.tv_sec;
    before->size = (uint64_t)status.st_size;
    before->cached_bytes = before->bytecode_bytes = 0;
    if (find_cached(origin, before)) look_at_bytecode(before);
  }
  drop(attributes);
  PyErr_Clear();
}

/* ---- the place on the search path ---- */

static size_t parent_directory(const char *path, size_t length) {
  while (length > 0 && path[length - 1] != '/') length--;
  return length > 0 ? length - 1 : 0;
}

static bool is_entry(struct text entry, const char *directory, size_t length) {
  size_t bytes = entry.length;
  while (bytes > 0 && entry.bytes[bytes - 1] == '/') bytes--;
  if (bytes == 0) bytes = entry.length;
  return bytes == length && memcmp(entry.bytes, directory, length) == 0;
}

static bool is_here(const char *directory, size_t length) {
  char here[4096];
  long bytes = CALL2(getcwd, here, sizeof here);
  return bytes > 0 && (size_t)bytes - 1 == length && memcmp(here, directory, length) == 0;
}

/* The entry of the search path that leads to a module, as trace/tracer.py finds it; false: none does. The texts live as
 * long as *path, which the caller drops. */
static bool find_entry(struct text name, struct text origin, bool is_package, PyObject **path, struct text *entry) {
  size_t length = parent_directory(origin.bytes, origin.length);
  struct text last = text_after_dot(name);
  if (is_package) length = parent_directory(origin.bytes, length);
  *path = NULL;
  if (last.length < name.length) {
    PyObject *parent = PyUnicode_FromStringAndSize(name.bytes, (Py_ssize_t)(name.length - last.length - 1));
    PyObject *module = parent ? item_of(importlib.modules, parent) : NULL;
    PyObject *own = module ? search_path_of(module) : NULL;
    *path = own ? PySequence_List(own) : NULL;
    drop(own);
    drop(parent);
  } else {
    PyObject *own = item_of(importlib.sys_dict, names.path);
    *path = own ? PySequence_List(own) : NULL;
  }
  bool empty = false;
  for (Py_ssize_t i = 0; *path && i < PyList_Size(*path); i++) {
    struct text item;
    if (!text_of(PyList_GetItem(*path, i), &item)) continue;
    if (is_entry(item, origin.bytes, length)) {
      *entry = item;
      return true;
    }
    empty = empty || item.length == 0;
  }
  *entry = (struct text){"", 0};
  return empty && is_here(origin.bytes, length);
}

/* Whether the path finder would look for a module of that name in that file. */
static bool names_source(struct text name, struct text base, bool is_package) {
  struct text last = text_after_dot(name);
  if (name.length == 8 && memcmp(name.bytes, "__main__", 8) == 0) return false;
  if (is_package) return base.length == 11 && memcmp(base.bytes, "__init__.py", 11) == 0;
  return base.length == last.length + 3 && memcmp(base.bytes, last.bytes, last.length) == 0 &&
         memcmp(base.bytes + last.length, ".py", 3) == 0;
}

/* ---- the record ---- */

static void record(struct text name, struct text origin, PyObject *code, const struct before *before) {
  struct text base = origin, entry;
  base.length = origin.length - (parent_directory(origin.bytes, origin.length) + 1);
  base.bytes = origin.bytes + (origin.length - base.length);
  struct text last = text_after_dot(name);
  bool is_init = base.length == 11 && memcmp(base.bytes, "__init__.py", 11) == 0;
  bool is_package = is_init && !(last.length == 8 && memcmp(last.bytes, "__init__", 8) == 0);
  struct pycds_buffer seeds = {0};
  PyObject *path, *marshal = NULL;
  /* No import statement leads there: it is found by its path alone. */
  bool leads = find_entry(name, origin, is_package, &path, &entry) && names_source(name, base, is_package);
  if (!leads) name = entry = origin;
  char *bytes = "";
  Py_ssize_t length = 0;
  bool ready = learn_instructions(code, &seeds);
  if (ready && before->bytecode_bytes == 0) {
    marshal = learn_marshal(code, false);
    ready = marshal && PyBytes_AsStringAndSize(marshal, &bytes, &length) == 0;
  }
  if (ready) {
    char mtime[TEXT_DECIMAL_BYTES + 1], size[TEXT_DECIMAL_BYTES];
    bool early = before->mtime < 0;
    const char *seconds = text_of_decimal(mtime + 1, (uint64_t)(early ? -before->mtime : before->mtime));
    if (early) {
      seconds--;
      *(char *)(uintptr_t)seconds = '-';
    }
    const char *count = text_of_decimal(size, before->size);
    const struct record_module module = {
        .name = field_of(name.bytes, name.length),
        .origin = field_of(origin.bytes, origin.length),
        .cached = field_of(before->cached, before->cached_bytes),
        .entry = field_of(entry.bytes, entry.length),
        .is_package = field_of(is_package ? "1" : "0", 1),
        .mtime = field_of(seconds, text_length(seconds)),
        .size = field_of(count, text_length(count)),
        .source_hash = field_of("", 0),
        .marshal = field_of(bytes, (size_t)length),
        .seeds = field_of((const char *)seeds.bytes, seeds.length),
    };
    if (before->bytecode_bytes > 0) {
      const struct record_bytecode bytecode = {field_of(before->bytecode, before->bytecode_bytes)};
      LOG_APPEND(bytecode, &bytecode);
    }
    LOG_APPEND(module, &module);
  }
  pycds_buffer_free(&seeds);
  drop(marshal);
  drop(path);
}

void learn_module(PyObject *name, PyObject *code, const struct before *before) {
  struct text text, origin;
  if (!before->known || type_of(code) != &PyCode_Type || !log_is_open()) return;
  if (text_of(name, &text) && text_of(before->path, &origin)) record(text, origin, code, before);
  PyErr_Clear();
}
