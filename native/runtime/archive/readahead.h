// SPDX-License-Identifier: Apache-2.0
// With an empty page cache: has the kernel read the archive, and the extension modules and
// libraries that training loaded, while Python runs (docs/decisions).
#ifndef PYCDS_RUNTIME_READAHEAD_H
#define PYCDS_RUNTIME_READAHEAD_H

#include "archive.h"

/* Does nothing when the archive is in the page cache already. */
void readahead_start(const struct archive *archive);

#endif
