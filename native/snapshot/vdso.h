// SPDX-License-Identifier: Apache-2.0
// The functions that the kernel gives to each process (vdso), at another address in each.
#ifndef PYCDS_SNAPSHOT_VDSO_H
#define PYCDS_SNAPSHOT_VDSO_H

#include <stdbool.h>
#include <stdint.h>

#define VDSO_NAME_BYTES 32

struct vdso_symbol {
  char name[VDSO_NAME_BYTES];
  uint32_t offset; /* in the image */
};

/* The functions of a vdso image in memory. Returns how many there are, -1 when it cannot be understood. Without a C
 * library. */
int vdso_symbols(const uint8_t *image, uint64_t bytes, struct vdso_symbol *symbols, int most);

/* Longest code that vdso_jump and vdso_call write. */
#define VDSO_CODE_BYTES 16

/* Writes code at a function's place that goes on at another address. */
void vdso_jump(uint8_t *code, uint64_t target);

/* Writes code that makes the system call of that name, or says that there is none where nobody needs one. False for a name
 * that is not known. */
bool vdso_call(uint8_t *code, const char *name);

#endif
