// SPDX-License-Identifier: Apache-2.0
// Interpreters that a program loads after it has started, as plugins of web servers do. The tracer was there before
// them, so nothing in it is bound to them: a second copy of it is loaded, which is.
#ifndef PYCDS_EMBEDDED_H
#define PYCDS_EMBEDDED_H

/* From now on the first interpreter that begins gets a copy of the tracer of its own, and this one, which is bound to
 * none, is told before. `before` may be NULL. */
void embedded_watch(void (*before)(void));

#endif
