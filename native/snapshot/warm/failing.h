// SPDX-License-Identifier: Apache-2.0
// What ends a template, and tells why: also while its streams are watched, where a message would be taken for one of an import.
#ifndef PYCDS_SNAPSHOT_FAILING_H
#define PYCDS_SNAPSHOT_FAILING_H

#include "../../cpython/pyapi.h"

/* From now on what is written to standard output and standard error goes nowhere, and can be seen. */
void failing_watch_streams(void);

/* Ends that, where it was begun. */
void failing_give_streams_back(void);

/* The exception that there is, which is no more; NULL: there is none. */
PyObject *failing_error(void);

/* Refuses the snapshot with the exception that there is, where a call has given nothing. */
void must(const void *result, const char *what);

/* A text of Python's; never NULL. */
PyObject *text_of(const char *bytes);

#endif
