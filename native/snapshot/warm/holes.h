// SPDX-License-Identifier: Apache-2.0
#ifndef PYCDS_SNAPSHOT_HOLES_H
#define PYCDS_SNAPSHOT_HOLES_H

/* From here on what Python's allocator hands out is zeros, to the end of each block: what was there before would be kept in
 * the places that nothing is written to. */
void holes_begin(void);

/* Ends that. Fills what Python's allocator has free between the objects of a template. What a process that goes on in it makes then
 * lies together, in memory of its own, instead of on many pages of the snapshot, each of which would have to be copied. */
void holes_fill(void);

#endif
