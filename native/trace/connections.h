// SPDX-License-Identifier: Apache-2.0
// Connections that a program of a training run does not get: a service that waits for its database looks as quiet as
// one that has started.
#ifndef PYCDS_CONNECTIONS_H
#define PYCDS_CONNECTIONS_H

/* From now on each is noted once, in a file of each process in this directory, which must stay where it is. */
void connections_watch(const char *directory);

#endif
