// SPDX-License-Identifier: Apache-2.0
// What a function of the same name would be if the tracer did not define it. dlsym is not everywhere: where it has a
// library of its own, many programs do not load that.
#ifndef PYCDS_NEXT_SYMBOL_H
#define PYCDS_NEXT_SYMBOL_H

/* The first function of that name in what was loaded behind the tracer; NULL when there is none. */
void *next_symbol(const char *name);

#endif
