// SPDX-License-Identifier: Apache-2.0
// What libraries read by themselves, as one number: the C library its time zone, OpenSSL its configuration, the dynamic loader
// where libraries are. Size and time tell less than the contents: all files of a package may have the same time.
#ifndef PYCDS_SNAPSHOT_CONTENTS_H
#define PYCDS_SNAPSHOT_CONTENTS_H

#include <stdbool.h>
#include <stdint.h>

/* Of a regular file. False when there is none, or it cannot be read. */
bool contents_digest(const char *path, uint64_t *digest);

/* Which files the dynamic loader finds under some names.
 *
 * `path` is that of its cache (ld.so.cache), `names` the names of libraries, each followed by a line feed. False as above; a
 * file of another form counts as a whole. */
bool contents_loader_digest(const char *path, const char *names, uint64_t *digest);

#endif
