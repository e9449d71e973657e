// SPDX-License-Identifier: Apache-2.0
// Describes the objects of one unit in the two streams of its block.
#ifndef PYCDS_STREAM_WRITE_H
#define PYCDS_STREAM_WRITE_H

#include "buffer.h"
#include "format.h"
#include "layout.h"
#include "marshal.h"

struct pycds_stream {
  struct pycds_buffer bytes;
  uint32_t objects;
};

/* The streams of one unit's block while they grow. */
struct pycds_block {
  struct pycds_stream shared, own;
  uint32_t first_version, code_objects;
};

struct pycds_encoder {
  const struct pycds_layout *layout;
  uint32_t unit;         /* number of the unit being described */
  uint32_t shared_count; /* shared constants of the whole archive so far */
  uint32_t next_version; /* co_version counter of the whole archive */
  uint64_t arena_bytes;  /* memory that all objects so far will take */
  struct pycds_block *block;
};

/* How the archive tells the runtime about that CPython's objects. */
struct pycds_object_layout pycds_object_layout(const struct pycds_layout *layout);

/* Describes `root`, a canonical CODE value, in encoder->block. Returns NULL or a static sentence. */
const char *pycds_encode_unit(struct pycds_encoder *encoder, struct pycds_value *root);
void pycds_block_free(struct pycds_block *block);

#endif
