// SPDX-License-Identifier: Apache-2.0
#ifndef PYCDS_SNAPSHOT_START_H
#define PYCDS_SNAPSHOT_START_H

#include "../reject.h"

/* Returns where there is no snapshot for these words, and then nothing has changed that a program could see. */
enum snapshot_reject start_at_once(char **words);

/* The Python of the snapshot that there is for this environment, on or off; NULL where there is none. */
const char *start_python(void);

#endif
