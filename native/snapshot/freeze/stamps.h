// SPDX-License-Identifier: Apache-2.0
// Notes what the start of the interpreter, and what it has imported, has looked at: a process that finds it otherwise is not
// replaced.
#ifndef PYCDS_SNAPSHOT_FREEZE_STAMPS_H
#define PYCDS_SNAPSHOT_FREEZE_STAMPS_H

/* A file by size and time, a directory by the names in it, or that there is nothing. Refuses to freeze where it is something
 * else. */
const struct snapshot_stamp *stamps_add(const char *path);

/* What libraries read by themselves, which Python does not see: the C library its time zone, OpenSSL its configuration, the
 * dynamic loader its cache. */
void stamps_add_of_libraries(void);

#endif
