// SPDX-License-Identifier: Apache-2.0
#ifndef PYCDS_SNAPSHOT_AHEAD_H
#define PYCDS_SNAPSHOT_AHEAD_H

#include "open.h"

/* Where the snapshot is not in the page cache: has the kernel read what a start reads of it, and of the library that it was made
 * with; and looks at the directories that imports look at, while the pages come. */
void ahead_start(const struct opened *opened);

#endif
