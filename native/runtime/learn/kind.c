// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "kind.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../cpython/object.h"
#include "../../cpython/sys_flag.h"
#include "../../format/buffer.h"
#include "../../format/elf.h"
#include "../../format/hash.h"
#include "../../static/sys/syscalls.h"
#include "../../static/sys/text.h"
#include "../host/importlib.h"
#include "log.h"
#include "marshal.h"

#define PATH_BYTES 4096

/* ---- the command ---- */

struct program {
  const char *text; /* the script, the module or the text of -c; "" without any */
  char how;         /* 'c', 'm', or 0 for a script */
};

/* The program in the words [at, end) behind the interpreter's own name; *shown is set behind the last word that is its
 * name. As CPython reads its command line; src/artifact/snapshot/programs.ts does so for itself. */
static struct program program_of(const char *at, const char *end, const char **shown) {
  while (at < end) {
    const char *word = at, *next = at + text_length(at) + 1;
    at = next;
    if (*word != '-') {
      *shown = next;
      return (struct program){word, 0};
    }
    if (!word[1]) { /* standard input */
      *shown = next;
      return (struct program){"", 0};
    }
    if (text_is(word, "--")) {
      *shown = at < end ? at + text_length(at) + 1 : at;
      return (struct program){at < end ? at : "", 0};
    }
    if (word[1] == '-') {
      if (text_is(word, "--check-hash-based-pycs")) at += at < end ? text_length(at) + 1 : 0;
      continue;
    }
    for (const char *option = word + 1; *option; option++) {
      bool is_value = *option == 'W' || *option == 'X';
      if (*option == 'c' || *option == 'm') {
        bool apart = !option[1];
        const char *text = apart ? (next < end ? next : "") : option + 1;
        *shown = next;
        if (*option == 'm' && apart && next < end) *shown = next + text_length(next) + 1;
        if (*option == 'c' && !apart) *shown = word;
        return (struct program){text, *option};
      }
      if (is_value && !option[1]) at += at < end ? text_length(at) + 1 : 0;
      if (is_value) break;
    }
    *shown = at;
  }
  return (struct program){"", 0};
}

static char *read_command(size_t *bytes) {
  struct pycds_buffer text = {0};
  long file = CALL4(openat, AT_FDCWD, "/proc/self/cmdline", O_RDONLY | O_CLOEXEC, 0);
  uint8_t piece[4096];
  for (long got; file >= 0 && (got = CALL3(read, file, piece, sizeof piece)) > 0;) {
    pycds_buffer_put(&text, piece, (size_t)got);
  }
  if (file >= 0) CALL1(close, file);
  pycds_buffer_put(&text, "", 1);
  if (text.failed) {
    pycds_buffer_free(&text);
    return NULL;
  }
  *bytes = text.length - 1;
  return (char *)text.bytes;
}

/* ---- the key ---- */

/* The text of an attribute of sys, or "". */
static const char *sys_text(const char *name) {
  PyObject *value = PySys_GetObject(name);
  Py_ssize_t length;
  const char *text = value && type_of(value) == &PyUnicode_Type ? PyUnicode_AsUTF8AndSize(value, &length) : NULL;
  if (!text) PyErr_Clear();
  return text ? text : "";
}

static void put_text(struct pycds_buffer *out, const char *text) { pycds_buffer_put(out, text, text_length(text) + 1); }

static bool make_key(const char *image, const struct program *program, struct learn_task *task) {
  struct pycds_buffer text = {0};
  pycds_buffer_put(&text, &task->hexversion, sizeof task->hexversion);
  pycds_buffer_put(&text, &task->optimize, sizeof task->optimize);
  pycds_buffer_put(&text, task->identity, sizeof task->identity);
  put_text(&text, image);
  put_text(&text, sys_text("prefix"));
  put_text(&text, sys_text("exec_prefix"));
  pycds_buffer_put(&text, &program->how, 1);
  if (program->how == 0 && *program->text && *program->text != '/') {
    char here[PATH_BYTES];
    long length = CALL2(getcwd, here, sizeof here);
    if (length > 0) put_text(&text, here);
  }
  put_text(&text, program->text);
  if (!text.failed) *text_put_hex(task->key, pycds_hash(text.bytes, text.length)) = 0;
  bool made = !text.failed;
  pycds_buffer_free(&text);
  return made;
}

/* Code of 3.11 and later has column information, unless the interpreter is told to drop it. */
static bool has_debug_ranges(void) {
  const char *variable = getenv("PYTHONNODEBUGRANGES");
  PyObject *options = PySys_GetObject("_xoptions");
  if (variable && *variable && sys_flag("ignore_environment") == 0) return false;
  return !options || !PyDict_GetItemString(options, "no_debug_ranges");
}

static const struct pycds_layout *layout;

const struct pycds_layout *kind_layout(void) { return layout; }

bool kind_describe(const char *image, struct learn_task *task, struct kind_command *command) {
  PyObject *hexversion = PySys_GetObject("hexversion");
  struct pycds_identity identity = pycds_loaded_image((uintptr_t)&Py_GetVersion).identity;
  long optimize = sys_flag("optimize");
  if (!hexversion || PySys_GetObject("gettotalrefcount") || _Py_DecRefShared || identity.kind == 0 || optimize < 0 ||
      optimize > 2 || !has_debug_ranges() || !learn_magic(task->magic)) {
    return false;
  }
  task->hexversion = (uint32_t)PyLong_AsUnsignedLongMask(hexversion);
  task->optimize = (uint8_t)optimize;
  task->identity_kind = identity.kind;
  task->identity_bytes = identity.length;
  memcpy(task->identity, identity.bytes, sizeof task->identity);
  layout = pycds_layout_find((int)(task->hexversion >> 24), (int)(task->hexversion >> 16 & 0xff));
  if (!layout) return false;

  size_t bytes;
  char *words = read_command(&bytes);
  if (!words) return false;
  const char *end = words + bytes, *shown = words;
  if (bytes > 0) shown = words + text_length(words) + 1;
  const struct program program = program_of(shown, end, &shown);
  size_t length = shown > words ? (size_t)(shown - words) : 0;
  command->bytes = length < sizeof command->words ? length : 0;
  memcpy(command->words, words, command->bytes);
  bool made = make_key(image, &program, task);
  free(words);
  return made;
}

/* ---- the records of it ---- */

static struct record_field field_of_text(const char *text) { return field_of(text, text_length(text)); }

static struct record_field field_of_number(char digits[TEXT_DECIMAL_BYTES], uint64_t value) {
  return field_of_text(text_of_decimal(digits, value));
}

/* An attribute of sys.implementation; the caller drops *object. */
static struct record_field implementation(const char *name, PyObject **object) {
  PyObject *all = PySys_GetObject("implementation");
  *object = all ? PyObject_GetAttrString(all, name) : NULL;
  Py_ssize_t length = 0;
  const char *text = *object && type_of(*object) == &PyUnicode_Type ? PyUnicode_AsUTF8AndSize(*object, &length) : NULL;
  PyErr_Clear();
  return text ? field_of(text, (size_t)length) : field_of("", 0);
}

static void record_process(const struct learn_task *task, const struct kind_command *command) {
  char executable[PATH_BYTES], identity[2 * PYCDS_IDENTITY_BYTES + 1] = "";
  char pid[TEXT_DECIMAL_BYTES], parent[TEXT_DECIMAL_BYTES], hex[TEXT_DECIMAL_BYTES], optimize[TEXT_DECIMAL_BYTES];
  PyObject *name, *tag;
  long length = CALL4(readlinkat, AT_FDCWD, "/proc/self/exe", executable, sizeof executable - 1);
  executable[length > 0 ? length : 0] = 0;
  for (size_t i = 0; i < task->identity_bytes; i++) {
    identity[2 * i] = "0123456789abcdef"[task->identity[i] >> 4];
    identity[2 * i + 1] = "0123456789abcdef"[task->identity[i] & 15];
  }
  const struct pycds_loaded library = pycds_loaded_image((uintptr_t)&Py_GetVersion);
  const char *version = sys_text("version"), *space = strchr(version, ' ');
  const struct record_process process = {
      .pid = field_of_number(pid, (uint64_t)CALL0(getpid)),
      .parent = field_of_number(parent, (uint64_t)CALL0(getppid)),
      .launcher = field_of_text(sys_text("executable")),
      .executable = field_of_text(executable),
      /* The last NUL ends the last word. */
      .argv = field_of(command->words, command->bytes > 0 ? command->bytes - 1 : 0),
      .hexversion = field_of_number(hex, task->hexversion),
      .version = field_of(version, space ? (size_t)(space - version) : text_length(version)),
      .implementation = implementation("name", &name),
      .cache_tag = implementation("cache_tag", &tag),
      .library = field_of_text(library.before > 0 ? library.path : executable),
      .identity = field_of_text(identity),
      .magic = field_of((const char *)task->magic, sizeof task->magic),
      .debug = field_of("0", 1),
      .free_threaded = field_of("0", 1),
      .optimize = field_of_number(optimize, task->optimize),
      .no_site = field_of("0", 1),
      .isolated = field_of(sys_flag("isolated") > 0 ? "1" : "0", 1),
      .no_debug_ranges = field_of("0", 1),
  };
  LOG_APPEND(process, &process);
  drop(name);
  drop(tag);
}

static bool is_directory(const char *path) {
  long file = CALL4(openat, AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  if (file >= 0) CALL1(close, file);
  return file >= 0;
}

static void record_started(void) {
  struct pycds_buffer list = {0};
  PyObject *site = PyDict_GetItemString(PyImport_GetModuleDict(), "site");
  PyObject *function = site ? PyObject_GetAttrString(site, "getsitepackages") : NULL;
  PyObject *paths = function ? PyObject_CallFunctionObjArgs(function, NULL) : NULL;
  for (Py_ssize_t i = 0; paths && type_of(paths) == &PyList_Type && i < PyList_Size(paths); i++) {
    Py_ssize_t length;
    PyObject *path = PyList_GetItem(paths, i);
    const char *text = type_of(path) == &PyUnicode_Type ? PyUnicode_AsUTF8AndSize(path, &length) : NULL;
    if (!text || !is_directory(text)) continue;
    if (list.length > 0) pycds_buffer_put(&list, "", 1);
    pycds_buffer_put(&list, text, (size_t)length);
  }
  const struct record_started started = {
      .prefix = field_of_text(sys_text("prefix")),
      .site_directories = field_of((const char *)list.bytes, list.failed ? 0 : list.length),
  };
  LOG_APPEND(started, &started);
  pycds_buffer_free(&list);
  drop(paths);
  drop(function);
  PyErr_Clear();
}

/* Names of what was imported from source files before the hook. */
static void record_earlier(void) {
  struct pycds_buffer list = {0};
  PyObject *name, *module;
  for (Py_ssize_t at = 0; PyDict_Next(PyImport_GetModuleDict(), &at, &name, &module);) {
    PyObject *loader = attribute_of(module, names.dunder_loader);
    bool is_source = loader && type_of(loader) == (PyTypeObject *)importlib.loader_type;
    drop(loader);
    Py_ssize_t length;
    const char *text = is_source && type_of(name) == &PyUnicode_Type ? PyUnicode_AsUTF8AndSize(name, &length) : NULL;
    if (!text) continue;
    if (list.length > 0) pycds_buffer_put(&list, "", 1);
    pycds_buffer_put(&list, text, (size_t)length);
  }
  const struct record_earlier earlier = {.modules = field_of((const char *)list.bytes, list.failed ? 0 : list.length)};
  LOG_APPEND(earlier, &earlier);
  pycds_buffer_free(&list);
  PyErr_Clear();
}

void kind_record(const struct learn_task *task, const struct kind_command *command) {
  record_process(task, command);
  record_started();
  record_earlier();
}
