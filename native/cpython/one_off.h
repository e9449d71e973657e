// SPDX-License-Identifier: Apache-2.0
// Source strings that are not worth recording, in a training run or by a runtime that learns: no later start asks for
// them again, and two bakes would not give the same bytes. The one place where that is decided.
#ifndef PYCDS_ONE_OFF_H
#define PYCDS_ONE_OFF_H

#include <stdbool.h>
#include <stddef.h>

#include "source_call.h"

/* Whether a part of a text is another one in each process: a hash, an address, a random UUID. */
bool one_off_text(const char *text, size_t bytes);

/* Whether nothing that a question leads to is worth recording, not even with a sample in the place of a number: an archive
 * has code of the interpreter's own level of optimisation. */
bool one_off_question(const struct source_question *question, uint8_t level);

#endif
