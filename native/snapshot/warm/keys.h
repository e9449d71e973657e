// SPDX-License-Identifier: Apache-2.0
// Keys of hash maps, which Rust's standard library draws once for each thread, and keeps in the thread's storage of the
// library that it is a part of. The first of the two is counted up with each map.
#ifndef PYCDS_SNAPSHOT_KEYS_H
#define PYCDS_SNAPSHOT_KEYS_H

#include <stdint.h>

#include "watch.h"

#define KEYS_NOWHERE SIZE_MAX

/* Where the main thread, which calls this, keeps keys that a library has drawn: bytes from the start of its storage.
 * KEYS_NOWHERE: not there, or in two places. `map` is its struct link_map. */
size_t keys_find(const void *map, const unsigned char keys[WATCH_KEY_BYTES]);

/* The address of that place; 0: the thread has no storage of the library, so that it has drawn nothing. */
uintptr_t keys_address(const void *map, size_t offset);

/* Finds these bytes in what a library may write of its own, where a number of eight bytes may begin. */
void keys_search(const void *map, const char *bytes, size_t count, void (*found)(uintptr_t address, void *data),
                 void *data);

#endif
