// SPDX-License-Identifier: Apache-2.0
// From the records of a start to an archive.
#ifndef PYCDS_LEARN_COMPOSE_H
#define PYCDS_LEARN_COMPOSE_H

#include <stdbool.h>

#include "../format/buffer.h"
#include "task.h"

/* Both initially empty. */
struct learn_files {
  struct pycds_buffer archive;
  struct pycds_buffer learned; /* the records again, without code */
};

/* All records go into the archive: of what has one name, or asks one question, a reader finds the first. Returns
 * LEARN_DONE, or what is wrong. */
enum learn_state learn_compose(const struct learn_task *task, const uint8_t *log, size_t bytes,
                               struct learn_files *out);

/* Appends the record that ends a file of records: whoever finds it knows that the records are whole. */
void learn_seal(struct pycds_buffer *log);

/* The length of the records in front of that; 0 when it is missing or something has changed since. */
size_t learn_sealed(const uint8_t *bytes, size_t length);

#endif
