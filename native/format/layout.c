// SPDX-License-Identifier: Apache-2.0
#include "layout.h"

static const struct pycds_layout layouts[] = {
#define LAYOUT(...) {__VA_ARGS__},
#include "layouts.def"
#undef LAYOUT
};

const struct pycds_layout *pycds_layout_all(size_t *count) {
  *count = sizeof layouts / sizeof *layouts;
  return layouts;
}

const struct pycds_layout *pycds_layout_find(int major, int minor) {
  size_t count;
  const struct pycds_layout *all = pycds_layout_all(&count);
  for (size_t i = 0; i < count; i++) {
    if (all[i].major == major && all[i].minor == minor) return &all[i];
  }
  return NULL;
}
