// SPDX-License-Identifier: Apache-2.0
// The archive's table of interned strings: each content once, numbered in order of first use.
#ifndef PYCDS_STRINGS_H
#define PYCDS_STRINGS_H

#include "marshal.h"

struct pycds_strings {
  struct pycds_arena arena;
  struct pycds_string_entry **slots;
  size_t capacity;
  uint32_t count;
};

/* Number of the string with that content. *home is the module that used it first; when
 * that is `module` and the string is new, *added is true. UINT32_MAX: out of memory. */
uint32_t pycds_strings_number(struct pycds_strings *strings, const struct pycds_value *value, uint32_t module,
                              uint32_t *home, bool *added);
void pycds_strings_free(struct pycds_strings *strings);

#endif
