// SPDX-License-Identifier: Apache-2.0
// Whether the path finder would still find a module where training found it.
#ifndef PYCDS_RUNTIME_SEARCH_H
#define PYCDS_RUNTIME_SEARCH_H

#include "../archive/facts.h"

/* Walks `path` (sys.path, or a parent's __path__; a list) to the entry that held the module in
 * training. SERVED when it is there, nothing in it comes before it, and no directory before it holds a file or directory
 * of the module's name; `check_earlier` false trusts the directories, if they are the same. Directories are
 * listed once and again when they change; changes are looked for when the coarse clock has
 * moved on. No Python exception is left set. */
enum pycds_miss search_check(PyObject *path, const struct facts *facts, bool check_earlier);

/* Whether no directory of `path` holds a file or directory of the module's name. */
bool search_find_nothing(PyObject *path, const struct facts *facts);

/* While nothing of the program runs: where the process is, is asked once. */
void search_remember(bool may);

/* Forgets what is known of directories: importlib.invalidate_caches. */
void search_forget(void);

/* For processes that are made of this one: notes the names in a directory. Such a process has them without reading it again
 * where it knows that there were the same when the directory was last changed then. */
void search_list(const char *path);
void search_listed(const char *path, uint64_t inode, int64_t seconds, int64_t nanoseconds);

/* Whether the module's source is there, and a file: SERVED or SOURCE_MISSING. */
enum pycds_miss search_check_file(const struct facts *facts);

/* Compares the module's source with what the archive recorded, as `validate` says. */
enum pycds_miss search_check_source(const struct facts *facts, enum pycds_validate validate,
                                    const uint8_t python_magic[4]);

#endif
