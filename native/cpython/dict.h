// SPDX-License-Identifier: Apache-2.0
// What a dictionary remembers, in the builds that have snapshots: CPython 3.11 to 3.13 on x86-64, with the global lock.
#ifndef PYCDS_CPYTHON_DICT_H
#define PYCDS_CPYTHON_DICT_H

#include <stdbool.h>
#include <stdint.h>

#include "object.h"

/* Include/cpython/dictobject.h: ma_version_tag and ma_values of PyDictObject. */
#define DICT_VERSION_TAG 24
#define DICT_VALUES 40

/* Another number after each change, and one that no other dictionary has had (PEP 509). 0: it has none that counts, since an
 * object that keeps its attributes itself changes them without. */
static inline uint64_t dict_version(PyObject *dict) {
  const char *fields = (const char *)dict;
  bool is_split = *(void *const *)(fields + DICT_VALUES) != NULL;
  return type_of(dict) != &PyDict_Type || is_split ? 0 : *(const uint64_t *)(fields + DICT_VERSION_TAG);
}

#endif
