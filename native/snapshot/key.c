// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "key.h"

#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cpython/object.h"
#include "../format/hash.h"
#include "config.h"
#include "digest.h"
#include "template.h"

extern char **environ;

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

/* How much of a variable counts, in bytes. */
static size_t obeyed(const char *variable) {
#define PREFIX(start)                                                                                                  \
  if (strncmp(variable, start, sizeof start - 1) == 0) return strlen(variable);
#define NAME(name)                                                                                                     \
  if (strncmp(variable, name "=", sizeof name) == 0) return strlen(variable);
#define SET(name)                                                                                                      \
  if (strncmp(variable, name "=", sizeof name) == 0) return sizeof name;
#include "../cpython/environment.def"
#undef PREFIX
#undef NAME
#undef SET
  return 0;
}

/* The order of variables is no matter: a sum. */
static uint64_t environment_digest(void) {
  uint64_t sum = 0;
  for (char **entry = environ; entry && *entry; entry++) {
    size_t bytes = obeyed(*entry);
    if (bytes) sum += pycds_hash(*entry, bytes);
  }
  return sum;
}

static struct snapshot_variable digests_of(const char *variable, size_t bytes) {
  size_t name = strcspn(variable, "=");
  return (struct snapshot_variable){(uint32_t)pycds_hash(variable, name), (uint32_t)pycds_hash(variable, bytes)};
}

void key_take_variables(struct snapshot_variable *variables) {
  unsigned count = 0;
  memset(variables, 0, SNAPSHOT_MAX_VARIABLES * sizeof *variables);
  for (char **entry = environ; entry && *entry && count < SNAPSHOT_MAX_VARIABLES; entry++) {
    size_t bytes = obeyed(*entry);
    if (bytes) variables[count++] = digests_of(*entry, bytes);
  }
}

static bool is_among(struct snapshot_variable one, const struct snapshot_variable *variables, bool by_name) {
  for (unsigned i = 0; i < SNAPSHOT_MAX_VARIABLES; i++) {
    if (variables[i].name == one.name && (by_name || variables[i].whole == one.whole)) return true;
  }
  return false;
}

/* Of those that have one name: what begins alike can have any. */
static const char *const names[] = {
#define PREFIX(start)
#define NAME(name) name,
#define SET(name) name,
#include "../cpython/environment.def"
#undef PREFIX
#undef NAME
#undef SET
    /* And those that images are known to set. */
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "MALLOC_ARENA_MAX",
    "PYTHON_VERSION",
    "PYTHON_SHA256",
    "PYTHON_SETUPTOOLS_VERSION",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONIOENCODING",
    "PYTHONUNBUFFERED",
    "PYTHONPATH"};

bool key_differing_variable(const struct snapshot_variable *frozen, char *name, size_t most) {
  const struct snapshot_variable *last = &frozen[SNAPSHOT_MAX_VARIABLES - 1];
  bool are_all = last->name == 0 && last->whole == 0;
  for (char **entry = environ; entry && *entry; entry++) {
    size_t bytes = obeyed(*entry), length = strcspn(*entry, "=");
    if (!bytes) continue;
    struct snapshot_variable one = digests_of(*entry, bytes);
    if (is_among(one, frozen, false) || (!are_all && !is_among(one, frozen, true))) continue;
    snprintf(name, most, "%.*s", (int)length, *entry);
    return true;
  }
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    struct snapshot_variable one = digests_of(names[i], 0);
    if (getenv(names[i]) || !is_among(one, frozen, true)) continue;
    snprintf(name, most, "%s", names[i]);
    return true;
  }
  return false;
}

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
  key->environment = environment_digest();
  struct loaded loaded = {0};
  dl_iterate_phdr(add_object, &loaded);
  key->objects = loaded.digest;
  return true;
}

enum snapshot_reject key_compare(const struct snapshot_key *here, const struct snapshot_key *frozen) {
  if (here->configuration != frozen->configuration) return SNAPSHOT_REJECT_CONFIGURATION;
  if (here->environment != frozen->environment) return SNAPSHOT_REJECT_ENVIRONMENT;
  if (here->search != frozen->search || here->user_site != frozen->user_site) return SNAPSHOT_REJECT_SEARCH_PATH;
  if (here->modules != frozen->modules) return SNAPSHOT_REJECT_MODULES;
  if (here->objects != frozen->objects) return SNAPSHOT_REJECT_OBJECTS;
  return SNAPSHOT_ACCEPTED;
}
