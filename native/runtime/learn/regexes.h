// SPDX-License-Identifier: Apache-2.0
// Records the regular expressions that `re` compiles.
#ifndef PYCDS_RUNTIME_LEARN_REGEXES_H
#define PYCDS_RUNTIME_LEARN_REGEXES_H

/* Looks whether the compiler of `re` is there by now, and watches it from then on. Leaves no exception. */
void regexes_attach(void);

#endif
