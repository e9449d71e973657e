// SPDX-License-Identifier: Apache-2.0
#ifndef PYCDS_SNAPSHOT_LOCATE_H
#define PYCDS_SNAPSHOT_LOCATE_H

#include <stdbool.h>

/* Path of the snapshot: the absolute one of PYCDS_SNAPSHOT where paths of the environment count, else the one beside the
 * archive; NULL: there is none. "off" where that was asked for. Kept for the process. */
const char *snapshot_locate(const char *archive, bool ignores_paths);

#endif
