// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "key.h"

#include <link.h>
#include <string.h>

#include "../cpython/object.h"
#include "../cpython/sys_flag.h"
#include "buffering.h"
#include "config.h"
#include "digest.h"
#include "environment.h"
#include "template.h"

/* ---- the hook's frames ---- */

static bool is_text(PyObject *text, const char *expected) {
  Py_ssize_t length;
  const char *bytes = text ? PyUnicode_AsUTF8AndSize(text, &length) : NULL;
  PyErr_Clear();
  return bytes && strcmp(bytes, expected) == 0;
}

static bool is_attribute(PyObject *object, const char *name, const char *expected) {
  PyObject *value = object ? PyObject_GetAttrString(object, name) : NULL;
  bool is = is_text(value, expected);
  drop(value);
  return is;
}

/* addpackage of the module site. */
static bool is_reader_of_path_files(PyObject *frame, PyObject *code) {
  if (!is_attribute(code, "co_name", "addpackage")) return false;
  PyObject *globals = PyObject_GetAttrString(frame, "f_globals");
  PyObject *name = globals ? PyDict_GetItemString(globals, "__name__") : NULL;
  bool is = is_text(name, "site");
  drop(globals);
  return is;
}

/* Up to 3.12 the file is a local variable that is open while its lines run. */
static int open_descriptor(PyObject *frame) {
  PyObject *locals = PyObject_GetAttrString(frame, "f_locals");
  PyObject *file = locals ? PyObject_GetAttrString(locals, "get") : NULL;
  PyObject *name = PyUnicode_FromStringAndSize("f", 1);
  PyObject *found = file && name ? PyObject_CallFunctionObjArgs(file, name, NULL) : NULL;
  PyObject *method = found && found != &_Py_NoneStruct ? PyObject_GetAttrString(found, "fileno") : NULL;
  PyObject *number = method ? PyObject_CallFunctionObjArgs(method, NULL) : NULL;
  long descriptor = number ? PyLong_AsLong(number) : -1;
  PyObject *all[] = {locals, file, name, found, method, number};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) drop(all[i]);
  PyErr_Clear();
  return (int)descriptor;
}

bool key_at_start(struct key_site *site) {
  PyObject *get = PySys_GetObject("_getframe");
  PyObject *frame = get ? PyObject_CallFunctionObjArgs(get, NULL) : NULL;
  bool reads = false, outermost = false;
  site->descriptor = -1;
  while (frame && frame != &_Py_NoneStruct) {
    PyObject *code = PyObject_GetAttrString(frame, "f_code");
    if (!reads && code && is_reader_of_path_files(frame, code)) {
      reads = true;
      site->descriptor = open_descriptor(frame);
    }
    /* A program's own frames would be further out than those of the import of site. */
    outermost = is_attribute(code, "co_filename", "<frozen importlib._bootstrap>");
    drop(code);
    PyObject *back = PyObject_GetAttrString(frame, "f_back");
    drop(frame);
    frame = back;
  }
  drop(frame);
  PyErr_Clear();
  return reads && outermost;
}

/* ---- digests ---- */

static bool modules_digest(uint64_t *digest) {
  PyObject *modules = PyImport_GetModuleDict(), *name, *module;
  Py_ssize_t at = 0, length;
  *digest = 0;
  while (modules && PyDict_Next(modules, &at, &name, &module)) {
    const char *bytes = PyUnicode_AsUTF8AndSize(name, &length);
    if (!bytes) return false;
    *digest = digest_mix(*digest, bytes, (size_t)length);
  }
  return modules != NULL;
}

struct loaded {
  uint64_t digest;
};

/* The library that freezes is in a template alone. */
static bool is_freezing_library(const struct dl_phdr_info *info) {
  uint64_t own = (uint64_t)(uintptr_t)&pycds_template_register;
  for (int i = 0; own && i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
    uint64_t start = info->dlpi_addr + segment->p_vaddr;
    if (segment->p_type == PT_LOAD && own >= start && own < start + segment->p_memsz) return true;
  }
  return false;
}

static int add_object(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size;
  struct loaded *loaded = data;
  if (!is_freezing_library(info)) loaded->digest = digest_mix(loaded->digest, info->dlpi_name, strlen(info->dlpi_name));
  return 0;
}

static bool search_digest(uint64_t *digest) {
  PyObject *path = PySys_GetObject("path");
  Py_ssize_t count = path ? PyList_Size(path) : -1, length;
  *digest = 0;
  for (Py_ssize_t i = 0; i < count; i++) {
    PyObject *entry = PyList_GetItem(path, i);
    const char *bytes = entry ? PyUnicode_AsUTF8AndSize(entry, &length) : NULL;
    if (!bytes) return false;
    *digest = digest_mix(*digest, bytes, (size_t)length);
  }
  static const char *const places[] = {"prefix", "exec_prefix", "base_prefix", "base_exec_prefix", "executable"};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    PyObject *place = PySys_GetObject(places[i]);
    const char *bytes = place ? PyUnicode_AsUTF8AndSize(place, &length) : NULL;
    if (!bytes) return false;
    *digest = digest_mix(*digest, bytes, (size_t)length);
  }
  return count >= 0;
}

/* site.ENABLE_USER_SITE: None, True or False. */
static bool user_site_state(uint64_t *state) {
  PyObject *site = PyDict_GetItemString(PyImport_GetModuleDict(), "site");
  PyObject *enabled = site ? PyObject_GetAttrString(site, "ENABLE_USER_SITE") : NULL;
  *state = enabled == &_Py_TrueStruct ? 1 : enabled == &_Py_FalseStruct ? 2 : 3;
  drop(enabled);
  return enabled != NULL;
}

bool key_take(struct snapshot_key *key) {
  void *config = config_current();
  *key = (struct snapshot_key){0};
  bool complete =
      config && modules_digest(&key->modules) && search_digest(&key->search) && user_site_state(&key->user_site);
  PyErr_Clear();
  if (!complete) return false;
  key->configuration = config_digest(config);
  key->buffering = config_is_buffered(config) ? SNAPSHOT_BUFFERED : SNAPSHOT_UNBUFFERED;
  key->utf8_mode = (uint64_t)sys_flag("utf8_mode");
  key->environment = environment_digest();
  struct loaded loaded = {0};
  dl_iterate_phdr(add_object, &loaded);
  key->objects = loaded.digest;
  return true;
}

enum snapshot_reject key_compare(const struct snapshot_key *here, const struct snapshot_key *frozen) {
  /* First, since most of the others follow from it, and it can be named. */
  if (here->environment != frozen->environment) return SNAPSHOT_REJECT_ENVIRONMENT;
  if (here->configuration != frozen->configuration || here->utf8_mode != frozen->utf8_mode ||
      !buffering_fits(here->buffering, frozen->buffering))
    return SNAPSHOT_REJECT_CONFIGURATION;
  if (here->search != frozen->search || here->user_site != frozen->user_site) return SNAPSHOT_REJECT_SEARCH_PATH;
  if (here->modules != frozen->modules) return SNAPSHOT_REJECT_MODULES;
  if (here->objects != frozen->objects) return SNAPSHOT_REJECT_OBJECTS;
  return SNAPSHOT_ACCEPTED;
}
