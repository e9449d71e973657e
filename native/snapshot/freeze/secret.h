// SPDX-License-Identifier: Apache-2.0
// The secret of hash(), by which sets of texts have their order: the same in all templates of one bake, so that imports which
// go by such an order go alike in those that are watched and in the one that is frozen.
#ifndef PYCDS_SNAPSHOT_SECRET_H
#define PYCDS_SNAPSHOT_SECRET_H

/* Reads it from the file that the environment names; the first of the templates draws it. */
void secret_configure(void);

/* From now on, in an interpreter that is preinitialised: whatever CPython draws in the place of it, it is this one. */
void secret_begin(void);

/* The interpreter has been started. */
void secret_end(void);

#endif
