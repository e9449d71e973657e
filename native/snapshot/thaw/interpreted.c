// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "interpreted.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../cpython/object.h"
#include "../config.h"
#include "../listing.h"
#include "../status.h"
#include "program.h"

#define MAX_PATH_BYTES 4096

extern char **environ;

/* Of glibc. */
__attribute__((weak)) extern void *__libc_stack_end;

/* ---- what it has listed ---- */

PYCDS_PYAPI double PyFloat_AsDouble(PyObject *);

/* What importlib's finder of files has of a directory; NULL: there is none. */
static PyObject *finder_of(const char *path) {
  PyObject *finders = PySys_GetObject("path_importer_cache");
  PyObject *finder = finders ? PyDict_GetItemString(finders, path) : NULL;
  PyObject *module = PyDict_GetItemString(PyImport_GetModuleDict(), "_frozen_importlib_external");
  PyObject *class = finder && module ? PyObject_GetAttrString(module, "FileFinder") : NULL;
  bool is_one = class && type_of(finder) == (PyTypeObject *)class;
  drop(class);
  return is_one ? finder : NULL;
}

/* It takes what it has listed for what is there for as long as this stays the same. */
static bool is_as_listed(PyObject *finder, const struct stat *status) {
  PyObject *listed = PyObject_GetAttrString(finder, "_path_mtime");
  double now = (double)status->st_mtim.tv_sec + 1e-9 * (double)status->st_mtim.tv_nsec;
  bool is = listed && type_of(listed) == &PyFloat_Type && PyFloat_AsDouble(listed) == now;
  drop(listed);
  return is;
}

static bool digest_of_names(PyObject *listed, uint64_t *digest) {
  Py_ssize_t length;
  PyObject *all = PySequence_List(listed);
  bool done = all != NULL;
  *digest = 0;
  for (Py_ssize_t i = 0; done && i < PyList_Size(all); i++) {
    const char *name = PyUnicode_AsUTF8AndSize(PyList_GetItem(all, i), &length);
    done = name != NULL;
    if (done) *digest += listing_digest_of_name(name, (size_t)length);
  }
  drop(all);
  return done;
}

static bool has_listed(const char *path, uint64_t *digest, struct stat *status) {
  PyObject *finder = finder_of(path);
  bool is = finder && status_of_path(path, status) && S_ISDIR(status->st_mode) && is_as_listed(finder, status);
  PyObject *listed = is ? PyObject_GetAttrString(finder, "_path_cache") : NULL;
  is = listed && digest_of_names(listed, digest);
  drop(listed);
  PyErr_Clear();
  return is;
}

bool interpreted_look(struct process *process) {
  if (!&__libc_stack_end) return false;
  process->stack_end = __libc_stack_end;
  process->has_listed = has_listed;
  return true;
}

/* The words that Python has decoded are those that the kernel was given; and they lie on the stack. */
static bool is_own_command_line(const struct process *process) {
  void *config = config_current();
  struct config_list *words = config ? config_member(config, CONFIG_orig_argv) : NULL;
  uint64_t end = (uint64_t)(uintptr_t)process->stack_end;
  if (!words || end < process->stack.start || end >= process->stack.end || end % 16 != 0) return false;
  uint64_t count = process->stack_end[0];
  char **arguments = (char **)(process->stack_end + 1);
  const char *word = process->command_line, *last = word + process->command_line_bytes;
  for (uint64_t i = 0; i < count; i++) {
    uint64_t at = (uint64_t)(uintptr_t)arguments[i];
    if (at < end || at >= process->stack.end || word >= last || strcmp(arguments[i], word) != 0) return false;
    word += strlen(word) + 1;
  }
  return word == last && (intptr_t)count == words->count;
}

static bool is_program(const struct snapshot *snapshot) {
  char path[MAX_PATH_BYTES];
  ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  if (length <= 0) return false;
  path[length] = 0;
  return strcmp(path, snapshot->strings + snapshot->files[0].path) == 0;
}

enum snapshot_reject interpreted_check(const struct process *process, const struct snapshot *snapshot) {
  return is_program(snapshot) && is_own_command_line(process) ? SNAPSHOT_ACCEPTED : SNAPSHOT_REJECT_PROGRAM;
}

/* ---- the main program ---- */

/* The bytes that Python has decoded lie in the text as these: surrogateescape. */
#define ESCAPED_FIRST 0xdc80u
#define ESCAPED_LAST 0xdcffu

static char *put(char *at, uint32_t code) {
  if (code < 0x80 || (code >= ESCAPED_FIRST && code <= ESCAPED_LAST)) {
    *at++ = (char)code;
    return at;
  }
  int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  static const uint8_t first[] = {0, 0xc0, 0xe0, 0xf0};
  *at++ = (char)(first[more] | (code >> (6 * more)));
  while (more-- > 0) *at++ = (char)(0x80 | ((code >> (6 * more)) & 0x3f));
  return at;
}

static char *bytes_of(const wchar_t *text) {
  char *bytes = malloc(4 * wcslen(text) + 1), *at = bytes;
  for (; bytes && *text; text++) at = put(at, (uint32_t)*text);
  if (bytes) *at = 0;
  return bytes;
}

static const wchar_t *member(void *config, enum config_member which) {
  wchar_t **text = config_member(config, which);
  return text ? *text : NULL;
}

/* False: it has no name, as standard input has none. */
static bool find_main(struct main_program *program) {
  void *config = config_current();
  const wchar_t *command = config ? member(config, CONFIG_run_command) : NULL;
  const wchar_t *module = config ? member(config, CONFIG_run_module) : NULL;
  const wchar_t *file = config ? member(config, CONFIG_run_filename) : NULL;
  const wchar_t *text = command ? command : module ? module : file;
  char *bytes = text ? bytes_of(text) : NULL;
  program->kind = command ? SNAPSHOT_COMMAND : module ? SNAPSHOT_MODULE : SNAPSHOT_SCRIPT;
  program->text = bytes;
  if (program->kind == SNAPSHOT_SCRIPT && bytes) {
    /* The first version of realpath, which is the one that is found without a version, makes no room itself. */
    char *path = malloc(PATH_MAX);
    program->text = path ? realpath(bytes, path) : NULL;
    if (!program->text) free(path);
    free(bytes);
  }
  return program->text != NULL;
}

enum snapshot_reject interpreted_check_program(const struct snapshot *snapshot) {
  struct main_program program;
  if (snapshot->header->programs.count == 0) return SNAPSHOT_ACCEPTED;
  if (!find_main(&program)) return SNAPSHOT_REJECT_OTHER_PROGRAM;
  const struct snapshot_program *found = program_find(snapshot, &program);
  free(program.text);
  if (!found) return SNAPSHOT_REJECT_OTHER_PROGRAM;
  return found->gain > snapshot->header->cost ? SNAPSHOT_ACCEPTED : SNAPSHOT_REJECT_LITTLE_GAIN;
}

/* ---- what it was started with ---- */

/* KeyboardInterrupt. */
static bool is_interrupted(void) { return PyErr_CheckSignals() != 0; }

static bool is_none(const char *name) {
  PyObject *stream = PySys_GetObject(name);
  return !stream || stream == &_Py_NoneStruct;
}

static bool words(void *config, enum config_member member, struct handover_list *words) {
  const struct config_list *list = config_member(config, member);
  if (list) *words = (struct handover_list){(uint64_t)list->count, list->items};
  return list != NULL;
}

static bool text(void *config, enum config_member member, const wchar_t **text) {
  wchar_t **place = config_member(config, member);
  if (place) *text = *place;
  return place != NULL;
}

bool interpreted_started(const struct process *process, const struct key_site *site, struct started *started) {
  void *config = config_current();
  *started = (struct started){.program = "/proc/self/exe",
                              .arguments = (char **)(process->stack_end + 1),
                              .environment = environ,
                              .descriptor = site->descriptor,
                              .is_interrupted = is_interrupted};
  /* As the kernel gave them; what Python has added since it will add again. */
  started->variables = started->arguments + process->stack_end[0] + 1;
  static const char *const streams[] = {"stdin", "stdout", "stderr"};
  for (int i = 0; i < 3; i++) started->closed[i] = is_none(streams[i]);
  started->unbuffered = config && !config_is_buffered(config);
  return config && words(config, CONFIG_orig_argv, &started->all) && words(config, CONFIG_argv, &started->own) &&
         text(config, CONFIG_program_name, &started->program_name) &&
         text(config, CONFIG_run_command, &started->run_command) &&
         text(config, CONFIG_run_module, &started->run_module) &&
         text(config, CONFIG_run_filename, &started->run_filename);
}
