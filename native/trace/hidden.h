// SPDX-License-Identifier: Apache-2.0
// What an earlier bake has put into the image is no part of what is learned.
#ifndef PYCDS_HIDDEN_H
#define PYCDS_HIDDEN_H

/* From now on no directory seems to hold the hook. */
void hidden_begin(void);

#endif
