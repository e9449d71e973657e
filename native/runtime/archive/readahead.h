// SPDX-License-Identifier: Apache-2.0
// With an empty page cache: has the kernel read the archive, and the extension modules and
// libraries that training loaded, while Python runs (docs/decisions).
#ifndef PYCDS_RUNTIME_READAHEAD_H
#define PYCDS_RUNTIME_READAHEAD_H

#include "archive.h"

/* Reads nothing when the archive is in the page cache already. Memory for what it makes comes in huge pages. */
void readahead_start(const struct archive *archive);

/* Where most modules are ready without the archive: the same, once it has served a few, but for libraries that are
 * loaded by then. */
void readahead_later(struct archive *archive);

/* It serves a module. */
void readahead_served(struct archive *archive);

#endif
