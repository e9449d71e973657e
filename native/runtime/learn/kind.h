// SPDX-License-Identifier: Apache-2.0
// Starts that import alike: the same interpreter, of the same image and environment, with the same program.
#ifndef PYCDS_RUNTIME_LEARN_KIND_H
#define PYCDS_RUNTIME_LEARN_KIND_H

#include "../../format/layout.h"
#include "../../learn/records.h"
#include "../../learn/task.h"

#define KIND_WORDS_BYTES 8192

/* The words of the command of this process up to its program, each followed by NUL: arguments of the program itself, and
 * the text of -c, are nobody's business. */
struct kind_command {
  char words[KIND_WORDS_BYTES];
  size_t bytes;
};

/* Fills in what the task says of the interpreter, and the key; false for an interpreter that has no archives. `image`
 * tells one image from another, where that is known. */
bool kind_describe(const char *image, struct learn_task *task, struct kind_command *command);

/* Where the interpreter keeps what its objects hold; NULL before it was described. */
const struct pycds_layout *kind_layout(void);

/* Records the process. */
void kind_record(const struct learn_task *task, const struct kind_command *command);

#endif
