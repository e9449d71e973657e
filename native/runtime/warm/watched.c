// SPDX-License-Identifier: Apache-2.0
// Who watches imports sees them as ever.
#include <stdio.h>
#include <string.h>

#include "entries.h"

#define TOOLS 6

static PyObject *add_audit_hook(PyObject *self, PyObject *args, PyObject *keywords) {
  (void)self;
  shadow.audited = true;
  return PyObject_Call(shadow.add_audit_hook, args, keywords);
}

bool watched_stand_in(const char *module, PyMethodDef *method, char *doc, size_t doc_bytes, PyObject **original) {
  PyObject *holder = PyImport_ImportModule(module),
           *name = PyUnicode_FromStringAndSize(module, (Py_ssize_t)strlen(module));
  *original = holder ? PyObject_GetAttrString(holder, method->ml_name) : NULL;
  PyObject *text = *original ? PyObject_GetAttrString(*original, "__doc__") : NULL;
  PyObject *signature = *original ? PyObject_GetAttrString(*original, "__text_signature__") : NULL;
  Py_ssize_t length;
  const char *body = text ? PyUnicode_AsUTF8AndSize(text, &length) : NULL;
  const char *head = signature ? PyUnicode_AsUTF8AndSize(signature, &length) : NULL;
  if (body && head && snprintf(doc, doc_bytes, "%s%s\n--\n\n%s", method->ml_name, head, body) < (int)doc_bytes)
    method->ml_doc = doc;
  PyObject *function = *original && name ? PyCFunction_NewEx(method, holder, name) : NULL;
  bool done = function && PyObject_SetAttrString(holder, method->ml_name, function) == 0;
  PyObject *all[] = {holder, name, text, signature, function};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) drop(all[i]);
  PyErr_Clear();
  return done;
}

/* There is no way to ask whether there is a hook. */
bool watched_start(void) {
  static PyMethodDef method = {"addaudithook", (PyCFunction)(void (*)(void))add_audit_hook,
                               METH_VARARGS | METH_KEYWORDS, NULL};
  static char doc[1024];
  return watched_stand_in("sys", &method, doc, sizeof doc, &shadow.add_audit_hook);
}

/* sys.gettrace and sys.getprofile; and since 3.12 the tools of sys.monitoring. */
static bool is_none(PyObject *object, PyObject *argument) {
  PyObject *result = object ? PyObject_CallFunctionObjArgs(object, argument, NULL) : NULL;
  drop(result);
  return result == &_Py_NoneStruct;
}

static bool is_monitored(void) {
  PyObject *monitoring = PySys_GetObject("monitoring");
  if (!monitoring) return false;
  PyObject *get = PyObject_GetAttrString(monitoring, "get_tool");
  bool none = get != NULL;
  for (long tool = 0; none && tool < TOOLS; tool++) {
    PyObject *number = PyLong_FromLong(tool);
    none = number && is_none(get, number);
    drop(number);
  }
  drop(get);
  return !none;
}

/* Who traces memory is told by which statement it was asked for. */
static bool is_memory_traced(void) {
  PyObject *module = PyDict_GetItemString(importlib.modules, "_tracemalloc");
  PyObject *ask = module ? PyObject_GetAttrString(module, "is_tracing") : NULL,
           *traced = ask ? PyObject_CallFunctionObjArgs(ask, NULL) : NULL;
  PyErr_Clear();
  drop(ask);
  drop(traced);
  return traced == &_Py_TrueStruct;
}

bool watched_by_any(void) {
  return shadow.audited || is_memory_traced() || !is_none(PySys_GetObject("gettrace"), NULL) ||
         !is_none(PySys_GetObject("getprofile"), NULL) || is_monitored() ||
         PyDict_GetItemString(importlib.builtins_dict, "__import__") != shadow.import;
}
