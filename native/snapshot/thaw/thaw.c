// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "thaw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../clock.h"
#include "../cpu.h"
#include "../environment.h"
#include "ahead.h"
#include "interpreted.h"
#include "replace.h"
#include "sequences.h"

static enum snapshot_reject check_version(const struct snapshot *snapshot) {
  return &Py_Version && Py_Version == snapshot->header->hexversion ? SNAPSHOT_ACCEPTED : SNAPSHOT_REJECT_PYTHON_VERSION;
}

/* ---- streams ---- */

static bool flush(const char *name) {
  PyObject *stream = PySys_GetObject(name);
  if (!stream || stream == &_Py_NoneStruct) return true;
  PyObject *method = PyObject_GetAttrString(stream, "flush");
  PyObject *result = method ? PyObject_CallFunctionObjArgs(method, NULL) : NULL;
  if (method) Py_DecRef(method);
  if (result) Py_DecRef(result);
  PyErr_Clear();
  return result != NULL;
}

/* See thaw_about. */
static char differing[256];

static enum snapshot_reject check_interpreter(const struct opened *opened, struct key_site *site) {
  struct snapshot_key key;
  if (!key_at_start(site) || !key_take(&key)) return SNAPSHOT_REJECT_NOT_AT_START;
  enum snapshot_reject reject = key_compare(&key, &opened->snapshot.header->key);
  if (reject == SNAPSHOT_REJECT_ENVIRONMENT &&
      !environment_differing(opened->snapshot.header->variables, differing, sizeof differing))
    *differing = 0;
  return reject;
}

static enum snapshot_reject check_process(const struct opened *opened, struct process *process, char *text) {
  enum snapshot_reject reject = process_look(process, text, PROCESS_TEXT_BYTES);
  if (!reject && !interpreted_look(process)) reject = SNAPSHOT_REJECT_LIBC;
  if (!reject) reject = interpreted_check(process, &opened->snapshot);
  const char *changed = NULL;
  if (!reject) reject = stamps_check(&opened->snapshot, process, &changed);
  if (changed) snprintf(differing, sizeof differing, "%s", changed);
  return reject;
}

static enum snapshot_reject try_snapshot(const char *path, double began) {
  if (getauxval(AT_SECURE)) return SNAPSHOT_REJECT_SECURE;
  struct opened opened;
  struct process process;
  struct key_site site;
  char *text = MAP_FAILED;
  enum snapshot_reject reject = snapshot_open(path, &opened);
  if (!reject) reject = check_version(&opened.snapshot);
  if (!reject) reject = interpreted_check_program(&opened.snapshot);
  if (!reject) reject = cpu_check(&opened.snapshot.header->cpu);
  if (!reject) reject = check_interpreter(&opened, &site);
  if (!reject) ahead_start(&opened);
  if (!reject) {
    text = mmap(NULL, PROCESS_TEXT_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (text == MAP_FAILED) reject = SNAPSHOT_REJECT_MEMORY;
  }
  if (!reject) {
    fflush(NULL);
    if (!flush("stdout") || !flush("stderr")) reject = SNAPSHOT_REJECT_DENIED;
  }

  if (!reject) reject = check_process(&opened, &process, text);
  if (!reject && !sequences_fit(&opened.snapshot)) reject = SNAPSHOT_REJECT_RSEQ;
  struct started started;
  if (!reject && !interpreted_started(&process, &site, &started)) reject = SNAPSHOT_REJECT_PROGRAM;
  if (!reject) reject = replace(&opened, &process, &started, began);
  if (text != MAP_FAILED) munmap(text, PROCESS_TEXT_BYTES);
  snapshot_close(&opened);
  return reject;
}

/* ---- finding it ---- */

/* Given by an earlier start of this program, which had gone too far to go back in any other way. */
static enum snapshot_reject refused_before(void) {
  const char *value = getenv(HANDOVER_VARIABLE);
  if (!value) return SNAPSHOT_ACCEPTED;
  char code[HANDOVER_VARIABLE_BYTES];
  snprintf(code, sizeof code, "%s", value);
  char *comm = strchr(code, ':');
  if (comm) {
    *comm++ = 0;
    /* It was started by another name. */
    prctl(PR_SET_NAME, comm);
  }
  enum snapshot_reject reject = snapshot_reject_of(code);
  return reject ? reject : SNAPSHOT_REJECT_REFUSED_AFTER;
}

/* The variable is nothing of the program's. */
static void forget_variable(void) {
  unsetenv(HANDOVER_VARIABLE);
  PyObject *posix = PyDict_GetItemString(PyImport_GetModuleDict(), "posix");
  PyObject *variables = posix ? PyObject_GetAttrString(posix, "environ") : NULL;
  PyObject *name = PyBytes_FromStringAndSize(HANDOVER_VARIABLE, sizeof HANDOVER_VARIABLE - 1);
  if (variables && name) PyDict_DelItem(variables, name);
  if (variables) Py_DecRef(variables);
  if (name) Py_DecRef(name);
  PyErr_Clear();
}

/* Not for a sub-interpreter, whose start runs site in the midst of a program; and never twice. */
static bool is_first(void) {
  static bool tried;
  bool first = !tried && PyInterpreterState_GetID(PyInterpreterState_Get()) == 0;
  tried = true;
  return first;
}

enum snapshot_reject thaw(const char **path) {
  double began = clock_milliseconds();
  if (!is_first()) {
    *path = NULL;
    return SNAPSHOT_ACCEPTED;
  }
  enum snapshot_reject reject = refused_before();
  if (reject) {
    forget_variable();
    return reject;
  }
  if (!*path) return SNAPSHOT_ACCEPTED;
  return strcmp(*path, "off") == 0 ? SNAPSHOT_REJECT_OFF : try_snapshot(*path, began);
}

const char *thaw_about(void) { return *differing ? differing : NULL; }

bool thaw_is_template(PyObject *self, const struct template_calls *calls) {
  if (!pycds_template_register) return false;
  struct template_hook hook = {.self = self, .calls = *calls};
  struct key_site site;
  hook.complete = key_at_start(&site) && key_take(&hook.key);
  environment_take(hook.variables);
  return pycds_template_register(&hook);
}
