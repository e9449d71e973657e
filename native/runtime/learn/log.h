// SPDX-License-Identifier: Apache-2.0
// The records of this process, in memory that the helper shares. The process that begins has a log, and of those that it
// forks the one that gets a place for its records (child.h).
#ifndef PYCDS_RUNTIME_LEARN_LOG_H
#define PYCDS_RUNTIME_LEARN_LOG_H

#include <stdbool.h>

#include "../../learn/records.h"
#include "../../learn/task.h"

/* Asks for the memory; false when there is none. */
bool log_open(void);

/* Whether records are taken: not when there is no room left, and not in every child of the process that began. */
bool log_is_open(void);

/* Appends a record; a log without room for it takes no more. */
void log_append(const char *kind, const void *fields, size_t count);
#define LOG_APPEND(name, fields) log_append(#name, fields, RECORD_FIELDS(name))

/* No more records are taken; gives the memory back. */
void log_close(void);

/* That of the process that began; NULL in others, and when the log is closed. */
struct learn_shared *log_shared(void);

/* Whether this is the process that began the log. */
bool log_is_own(void);

static inline struct record_field field_of(const char *bytes, size_t length) {
  return (struct record_field){bytes, length};
}

#endif
