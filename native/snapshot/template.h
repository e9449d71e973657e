// SPDX-License-Identifier: Apache-2.0
// What the runtime tells the library that freezes (freeze/), which a template alone has.
#ifndef PYCDS_SNAPSHOT_TEMPLATE_H
#define PYCDS_SNAPSHOT_TEMPLATE_H

#include <stdbool.h>

#include "../cpython/pyapi.h"
#include "format.h"

struct template_calls {
  /* What the hook would have done, done in each process that is made of the template. `milliseconds` is what the thaw
   * took; `at_once`: no Python was started before it. */
  void (*run)(void *self, double milliseconds, bool at_once);
  /* Reads the names in a directory; and has a process that is made of the template take them for what there is, where it is
   * told what the directory was when it still had them. */
  void (*list)(const char *path);
  void (*listed)(const char *path, uint64_t inode, int64_t seconds, int64_t nanoseconds);
  /* Takes over modules that were imported in advance, in a list of their descriptions; with what must not have been changed
   * in them (namespaces of classes; for each module, names that may change and numbers of these), the key of the hashes,
   * and two functions for what importing them has changed elsewhere, (what, place, payload): whether it may be done again,
   * and doing it. */
  bool (*adopt)(PyObject *table, PyObject *prints, PyObject *key, PyObject *may, PyObject *put);
  /* Loading libraries and extension modules anew: runtime/warm/anew.h. */
  size_t (*libraries)(void **maps, size_t most);
  const char *(*refuses)(void *map);
  bool (*needs)(const void *map, const void *other);
  void (*libraries_again)(void *const *maps, size_t count);
  size_t (*global)(void **maps, size_t most);
  void (*leave_global)(size_t count);
  void (*module_again)(PyObject *module, bool loaded);
};

struct template_hook {
  struct snapshot_key key; /* as of the hook */
  struct snapshot_variable variables[SNAPSHOT_MAX_VARIABLES];
  int complete; /* 0: this start cannot be frozen */
  void *self;
  struct template_calls calls;
};

/* Called by the runtime at its hook; false in a process that was made of a template, and is none any more. Weak: not
 * there but in these two. */
__attribute__((weak)) bool pycds_template_register(const struct template_hook *hook);

#endif
