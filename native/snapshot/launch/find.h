// SPDX-License-Identifier: Apache-2.0
#ifndef PYCDS_SNAPSHOT_LAUNCH_FIND_H
#define PYCDS_SNAPSHOT_LAUNCH_FIND_H

#include <limits.h>
#include <stdbool.h>

/* The file that a program's name stands for, as the kernel's user would find it: along PATH where it has no slash. False:
 * there is none, or it depends on the working directory. */
bool find_program(const char *word, char path[PATH_MAX]);

#endif
