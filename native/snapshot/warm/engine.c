// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "engine.h"

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>

#include "../../cpython/object.h"

/* openssl/engine.h */
#define ENGINE_METHOD_RAND 8

/* RAND_METHOD: functions alone. */
#define FUNCTIONS 6

static struct {
  void *(*default_of_all)(void);                      /* ENGINE_get_default_RAND */
  void *const *(*functions)(const void *engine);      /* ENGINE_get_RAND */
  int (*finish)(void *engine);                        /* ENGINE_finish */
  int (*add)(void *engine);                           /* ENGINE_add */
  int (*take_away)(void *engine);                     /* ENGINE_remove */
  int (*set_default)(void *engine, unsigned methods); /* ENGINE_set_default */
  void (*forget)(void *engine);                       /* ENGINE_unregister_RAND */
  int (*set_method)(const void *method);              /* RAND_set_rand_method */
} openssl;

static bool find_all(void *library) {
  *(void **)&openssl.default_of_all = dlsym(library, "ENGINE_get_default_RAND");
  *(void **)&openssl.functions = dlsym(library, "ENGINE_get_RAND");
  *(void **)&openssl.finish = dlsym(library, "ENGINE_finish");
  *(void **)&openssl.add = dlsym(library, "ENGINE_add");
  *(void **)&openssl.take_away = dlsym(library, "ENGINE_remove");
  *(void **)&openssl.set_default = dlsym(library, "ENGINE_set_default");
  *(void **)&openssl.forget = dlsym(library, "ENGINE_unregister_RAND");
  *(void **)&openssl.set_method = dlsym(library, "RAND_set_rand_method");
  return openssl.default_of_all && openssl.functions && openssl.finish && openssl.add && openssl.take_away &&
         openssl.set_default && openssl.forget && openssl.set_method;
}

static const void *base_of(const void *address) {
  Dl_info info;
  return dladdr(address, &info) ? info.dli_fbase : NULL;
}

static bool is_of(void *const *functions, void *library) {
  struct link_map *map;
  if (!functions || dlinfo(library, RTLD_DI_LINKMAP, &map) != 0) return false;
  for (int i = 0; i < FUNCTIONS; i++) {
    if (functions[i] && base_of(functions[i]) != base_of(map->l_ld)) return false;
  }
  return true;
}

static bool is_for_more(void *library, const void *engine) {
  static const char *const others[] = {
      "ENGINE_get_RSA",     "ENGINE_get_DSA",     "ENGINE_get_EC",         "ENGINE_get_DH",
      "ENGINE_get_ciphers", "ENGINE_get_digests", "ENGINE_get_pkey_meths", "ENGINE_get_pkey_asn1_meths"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    void *(*other)(const void *);
    *(void **)&other = dlsym(library, others[i]);
    if (!other || other(engine)) return true;
  }
  return false;
}

PyObject *engine_of(PyObject *self, PyObject *path) {
  (void)self;
  Py_ssize_t length;
  const char *name = PyUnicode_AsUTF8AndSize(path, &length);
  void *library = name ? dlopen(name, RTLD_LAZY | RTLD_NOLOAD) : NULL;
  if (!name) return NULL;
  if (!library) return none();
  void *engine = find_all(library) ? openssl.default_of_all() : NULL;
  bool is_own = !engine || (is_of(openssl.functions(engine), library) && !is_for_more(library, engine));
  if (engine) openssl.finish(engine);
  dlclose(library);
  return is_own ? PyLong_FromVoidPtr(engine) : none();
}

PyObject *engine_take(PyObject *self, PyObject *number) {
  (void)self;
  void *engine = (void *)(uintptr_t)PyLong_AsUnsignedLongMask(number);
  if (!engine) return none();
  /* Until it is given again it is held by this alone. */
  openssl.default_of_all();
  openssl.forget(engine);
  openssl.take_away(engine);
  openssl.set_method(NULL);
  return none();
}

PyObject *engine_give(PyObject *self, PyObject *number) {
  (void)self;
  void *engine = (void *)(uintptr_t)PyLong_AsUnsignedLongMask(number);
  if (!engine) return none();
  if (openssl.add(engine) == 1) openssl.set_default(engine, ENGINE_METHOD_RAND);
  openssl.finish(engine);
  return none();
}
