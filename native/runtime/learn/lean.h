// SPDX-License-Identifier: Apache-2.0
// A copy of this process that has nothing of what the interpreter has allocated: the helper needs none of it, and each
// page that both have costs the program a copy when it is written to next.
#ifndef PYCDS_RUNTIME_LEARN_LEAN_H
#define PYCDS_RUNTIME_LEARN_LEAN_H

/* Makes a child without an exit signal, and with all signals blocked. Returns 0 in the child, which may use nothing but its
 * stack and the memory of this library; else its pid, or a negative error code. */
long lean_clone(void);

#endif
