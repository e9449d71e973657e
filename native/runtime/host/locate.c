// SPDX-License-Identifier: Apache-2.0
#include "locate.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "../../cpython/sys_flag.h"
#include "../../format/places.h"

#define MAX_PATH_BYTES 4096
#define COMMON(name) PYCDS_FOLDER "/" name
#define BESIDE(name) PYCDS_BESIDE_FOLDER "/" name

/* Whoever may not choose what an interpreter runs may not choose it by the archive either: -I and -E, and
 * programs that run with the rights of another user. */
bool locate_ignores_paths(void) { return sys_flag("ignore_environment") != 0 || getauxval(AT_SECURE) != 0; }

/* A file of the folder beside the runtime, else of the one that images have. */
static const char *beside_or_common(PyObject *self, char beside[MAX_PATH_BYTES], const char *name, const char *common) {
  const char *path = common;
  PyObject *file = PyObject_GetAttrString(self, "__file__");
  const char *own = file ? PyUnicode_AsUTF8AndSize(file, NULL) : NULL;
  const char *end = own ? strrchr(own, '/') : NULL;
  if (end && (size_t)(end - own) + strlen(name) + 2 <= MAX_PATH_BYTES) {
    snprintf(beside, MAX_PATH_BYTES, "%.*s/%s", (int)(end - own), own, name);
    if (access(beside, F_OK) == 0) path = beside;
  }
  if (file) Py_DecRef(file);
  PyErr_Clear();
  return path;
}

const char *locate_archive(PyObject *self) {
  static char beside[MAX_PATH_BYTES];
  const char *path = getenv("PYCDS_ARCHIVE");
  if (path && !locate_ignores_paths()) return path;
  return beside_or_common(self, beside, BESIDE(PYCDS_ARCHIVE_NAME), COMMON(PYCDS_ARCHIVE_NAME));
}

const char *locate_learning(PyObject *self) {
  static char beside[MAX_PATH_BYTES];
  return beside_or_common(self, beside, BESIDE(PYCDS_LEARN_NAME), COMMON(PYCDS_LEARN_NAME));
}
