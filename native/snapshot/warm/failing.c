// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "failing.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../cpython/object.h"
#include "../freeze/freeze.h"

PYCDS_PYAPI PyObject *PyObject_Str(PyObject *);

static int stderr_kept; /* while the streams are watched; else 0 */

void failing_watch_streams(void) {
  stderr_kept = fcntl(2, F_DUPFD_CLOEXEC, 3);
  int fd = memfd_create("pycds", MFD_CLOEXEC);
  if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0) freeze_refuse("no memory for its output");
  close(fd);
}

PyObject *failing_error(void) {
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  if (!type) return NULL;
  PyErr_NormalizeException(&type, &value, &traceback);
  drop(type);
  drop(traceback);
  return value;
}

void failing_give_streams_back(void) {
  if (!stderr_kept) return;
  dup2(stderr_kept, 2);
  close(stderr_kept);
  stderr_kept = 0;
}

void must(const void *result, const char *what) {
  if (result) return;
  failing_give_streams_back();
  PyObject *error = failing_error(), *text = error ? PyObject_Str(error) : NULL;
  PyObject *kind = error ? PyObject_GetAttrString((PyObject *)type_of(error), "__name__") : NULL;
  Py_ssize_t length;
  const char *bytes = text ? PyUnicode_AsUTF8AndSize(text, &length) : NULL;
  const char *name = kind ? PyUnicode_AsUTF8AndSize(kind, &length) : NULL;
  freeze_refuse("%s: %s: %s", what, name ? name : "error", bytes ? bytes : "unknown");
}

PyObject *text_of(const char *bytes) {
  PyObject *text = PyUnicode_FromStringAndSize(bytes, (Py_ssize_t)strlen(bytes));
  must(text, "no memory");
  return text;
}
