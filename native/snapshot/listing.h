// SPDX-License-Identifier: Apache-2.0
// The names in a directory, as one number.
#ifndef PYCDS_SNAPSHOT_LISTING_H
#define PYCDS_SNAPSHOT_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* The sum of XXH64 over all names, in whatever order the file system gives them. Leaves out __pycache__, which an import
 * makes. `status`, where it is not NULL: what the directory was before. False when it cannot be read. */
bool listing_digest(const char *path, uint64_t *digest, struct stat *status);

/* What one name adds to that. */
uint64_t listing_digest_of_name(const char *name, size_t length);

/* The same over all names and kinds: whether each is a file, a directory or something else, and of a symbolic link also what it
 * leads to. */
bool listing_digest_of_kinds(const char *path, uint64_t *digest);

#endif
