// SPDX-License-Identifier: Apache-2.0
// Which exact build of CPython a file or a mapped image is.
#ifndef PYCDS_ELF_H
#define PYCDS_ELF_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#include "format.h"

struct pycds_identity {
  uint8_t kind; /* enum pycds_identity_kind; 0: unknown */
  uint8_t length;
  uint16_t machine; /* ELF e_machine; 0 when read from memory */
  uint8_t bytes[PYCDS_IDENTITY_BYTES];
};

/* Identity of an ELF file's contents: its GNU build-id, else a digest of what is loaded
 * first. kind stays 0 when it is not a 64-bit little-endian ELF file. */
struct pycds_identity pycds_identity_of_file(const uint8_t *bytes, size_t length);

/* The same from the program headers of a loaded image, whose addresses are moved by
 * `bias`. Both give equal results for one build. */
struct pycds_identity pycds_identity_of_image(const Elf64_Phdr *headers, size_t count, uintptr_t bias);

/* The image of this process that holds an address. */
struct pycds_loaded {
  struct pycds_identity identity; /* kind 0: there is none */
  size_t before;                  /* images before it; 0: it is the program itself */
  const char *path;               /* the dynamic loader's; lives as long as the image */
};
struct pycds_loaded pycds_loaded_image(uintptr_t address);

#endif
