// SPDX-License-Identifier: Apache-2.0
// Whether the standard streams have buffers. Each start makes its own (freeze/resume.py), so a snapshot that was made with
// buffers also serves one without, unless something in it would go on writing into the old ones. The other way round there is
// none: the C library does not give a stream the buffer back that it was told not to have.
#ifndef PYCDS_SNAPSHOT_BUFFERING_H
#define PYCDS_SNAPSHOT_BUFFERING_H

#include <stdbool.h>

#include "format.h"

/* `here`: enum snapshot_buffering of a start; `frozen`: that of a snapshot. */
static inline bool buffering_fits(uint64_t here, uint64_t frozen) {
  return here == SNAPSHOT_UNBUFFERED ? frozen != SNAPSHOT_BUFFERS_HELD : frozen != SNAPSHOT_UNBUFFERED;
}

#endif
