// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "authorities.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

#include "../../cpython/object.h"
#include "method.h"

PYCDS_PYAPI extern PyTypeObject PyMethodDescr_Type;

/* The head of PySSLContext (Modules/_ssl.c). */
struct context {
  intptr_t refcount;
  PyTypeObject *type;
  void *context; /* SSL_CTX */
};

typedef PyObject *(*any_function)(PyObject *self, void *a, void *b, void *c);

/* What may load certificates, while contexts are made. */
struct loader {
  const char *name;
  int flags;
  any_function function;
  struct method *method; /* NULL: it is not stood in for */
  PyMethodDef *stock, own;
};
static PyObject *noted_by;
static unsigned long noted_thread;

static struct {
  void *(*store_of)(const void *context);        /* SSL_CTX_get_cert_store */
  void (*set_store)(void *context, void *store); /* SSL_CTX_set_cert_store */
  int (*keep_store)(void *store);                /* X509_STORE_up_ref */
} openssl;

static PyObject *stock_load(const struct loader *loader, PyObject *self, void *a, void *b, void *c) {
  return ((any_function)(void (*)(void))loader->stock->ml_meth)(self, a, b, c);
}

/* The path that alone is loaded; None: OpenSSL's own, NULL: something else. */
static PyObject *path_of(const struct loader *loader, void *a, void *b, void *c) {
  if (loader->flags == METH_NOARGS) return &_Py_NoneStruct;
  bool is_one = !c && (Py_ssize_t)b == 1;
  return is_one && type_of(*(PyObject **)a) == &PyUnicode_Type ? *(PyObject **)a : NULL;
}

static PyObject *load(const struct loader *loader, PyObject *self, void *a, void *b, void *c) {
  bool is_noted = noted_by && PyThread_get_thread_ident() == noted_thread;
  PyObject *path = is_noted ? path_of(loader, a, b, c) : NULL;
  if (!path) return stock_load(loader, self, a, b, c);
  PyObject *is_done = PyObject_CallFunctionObjArgs(noted_by, self, path, NULL);
  if (!is_done) return NULL;
  bool done = is_done == &_Py_TrueStruct;
  drop(is_done);
  return done ? none() : stock_load(loader, self, a, b, c);
}

static PyObject *load_locations(PyObject *self, void *a, void *b, void *c);
static PyObject *load_default(PyObject *self, void *a, void *b, void *c);

static struct loader loaders[] = {
    {.name = "load_verify_locations", .flags = METH_FASTCALL | METH_KEYWORDS, .function = load_locations},
    {.name = "set_default_verify_paths", .flags = METH_NOARGS, .function = load_default},
};
enum { LOCATIONS, DEFAULT, LOADERS };

/* A function is not told which one it is. */
static PyObject *load_locations(PyObject *self, void *a, void *b, void *c) {
  return load(&loaders[LOCATIONS], self, a, b, c);
}

static PyObject *load_default(PyObject *self, void *a, void *b, void *c) {
  return load(&loaders[DEFAULT], self, a, b, c);
}

static bool find_library(const void *function) {
  Dl_info info;
  void *library = dladdr(function, &info) ? dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD) : NULL;
  if (!library) return false;
  *(void **)&openssl.store_of = dlsym(library, "SSL_CTX_get_cert_store");
  *(void **)&openssl.set_store = dlsym(library, "SSL_CTX_set_cert_store");
  *(void **)&openssl.keep_store = dlsym(library, "X509_STORE_up_ref");
  return openssl.store_of && openssl.set_store && openssl.keep_store;
}

/* That of the template: where a program imports it with what makes contexts, it is in no module yet. */
static PyObject *class_of_contexts(void) {
  static PyObject *class;
  PyObject *module = class ? NULL : PyDict_GetItemString(PyImport_GetModuleDict(), "_ssl");
  if (module) class = PyObject_GetAttrString(module, "_SSLContext");
  PyErr_Clear();
  return class;
}

static bool stand_in(struct loader *loader, PyObject *class) {
  PyObject *method = class ? PyObject_GetAttrString(class, loader->name) : NULL;
  PyErr_Clear();
  struct method *found = method && type_of(method) == &PyMethodDescr_Type ? (struct method *)method : NULL;
  /* The class keeps it. */
  drop(method);
  if (!found || found->of != (PyTypeObject *)class || found->definition->ml_flags != loader->flags) return false;
  loader->stock = found->definition;
  if (!find_library((const void *)(uintptr_t)loader->stock->ml_meth)) return false;
  loader->own = *loader->stock;
  loader->own.ml_meth = (PyCFunction)(void (*)(void))loader->function;
  found->definition = &loader->own;
  loader->method = found;
  return true;
}

PyObject *authorities_loading(PyObject *self, PyObject *args) {
  (void)self;
  PyObject *make = PyTuple_GetItem(args, 0), *class = class_of_contexts();
  bool done = !noted_by;
  for (int i = 0; done && i < LOADERS; i++) done = stand_in(&loaders[i], class);
  if (done) {
    noted_by = PyTuple_GetItem(args, 1);
    noted_thread = PyThread_get_thread_ident();
  }
  PyObject *result = PyObject_CallFunctionObjArgs(make, NULL);
  if (done) noted_by = NULL;
  for (int i = 0; !noted_by && i < LOADERS; i++) {
    if (loaders[i].method) loaders[i].method->definition = loaders[i].stock;
    loaders[i].method = NULL;
  }
  return result;
}

static void *context_of(PyObject *context) {
  PyObject *class = class_of_contexts();
  bool is_one = class && PyType_IsSubtype(type_of(context), (PyTypeObject *)class);
  return is_one && openssl.store_of ? ((struct context *)context)->context : NULL;
}

PyObject *authorities_take(PyObject *self, PyObject *context) {
  (void)self;
  void *of = context_of(context), *store = of ? openssl.store_of(of) : NULL;
  return PyLong_FromVoidPtr(store && openssl.keep_store(store) == 1 ? store : NULL);
}

PyObject *authorities_give(PyObject *self, PyObject *args) {
  (void)self;
  void *context = context_of(PyTuple_GetItem(args, 0));
  void *store = (void *)(uintptr_t)PyLong_AsUnsignedLongMask(PyTuple_GetItem(args, 1));
  if (context && store) openssl.set_store(context, store);
  return keep(context && store ? &_Py_TrueStruct : &_Py_FalseStruct);
}
