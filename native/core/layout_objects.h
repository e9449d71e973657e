// SPDX-License-Identifier: Apache-2.0
// Lays the objects of one module out as the target CPython would have them in memory.
#ifndef PYCDS_LAYOUT_OBJECTS_H
#define PYCDS_LAYOUT_OBJECTS_H

#include "format.h"
#include "layout.h"
#include "strings.h"

/* The parts of one module's block while they grow. Pointers inside `objects` are stored
 * as object offsets until the block's place in the arena is known. */
struct pycds_block {
  struct pycds_buffer objects, strings;
  struct pycds_buffer relocations;                /* u32 object offsets of internal pointers */
  struct pycds_buffer string_offsets;             /* u32 per own string */
  struct pycds_buffer types[PYCDS_TYPE_COUNT];    /* u32 object offsets */
  struct pycds_buffer string_slots, symbol_slots; /* pairs of u32 */
  struct pycds_buffer needed_blocks;              /* u32 module numbers, ascending by first use */
  struct pycds_buffer frozensets;                 /* u32 groups, inner before outer */
  uint32_t code;                                  /* object offset of the module's code object */
  uint32_t code_objects, string_first, string_count;
};

struct pycds_layouter {
  const struct pycds_layout *layout;
  struct pycds_strings *strings;
  uint32_t *needed_stamp; /* per module: number + 1 of the last module that needed its strings */
  uint32_t module;        /* number of the module being laid out */
  uint32_t *next_version; /* co_version counter of the whole archive */
  struct pycds_block *block;
  struct pycds_buffer sets; /* private: the constant frozensets met so far */
};

/* Lays out `root`, a canonical CODE value. Returns NULL or a static sentence. */
const char *pycds_layout_module(struct pycds_layouter *layouter, struct pycds_value *root);
void pycds_block_free(struct pycds_block *block);

#endif
