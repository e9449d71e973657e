// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "elf.h"

#ifndef __wasm__
#include <link.h>
#endif
#include <string.h>

#include "assert.h"
#include "hash.h"

/* Enough to cover the dynamic symbol table, which moves with every change of a build. */
#define DIGEST_BYTES ((size_t)64 * 1024)

/* Looks for the build-id among the notes of one PT_NOTE segment. */
static void read_notes(const uint8_t *p, size_t length, struct pycds_identity *out) {
  while (length >= sizeof(Elf64_Nhdr)) {
    Elf64_Nhdr note;
    memcpy(&note, p, sizeof note);
    size_t name = sizeof note;
    size_t descriptor = name + (((size_t)note.n_namesz + 3) & ~(size_t)3);
    size_t next = descriptor + (((size_t)note.n_descsz + 3) & ~(size_t)3);
    if (next > length) return;
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(p + name, "GNU", 4) == 0 && note.n_descsz > 0) {
      out->kind = PYCDS_IDENTITY_BUILD_ID;
      out->length = PYCDS_NARROW(uint8_t, note.n_descsz < PYCDS_IDENTITY_BYTES ? note.n_descsz : PYCDS_IDENTITY_BYTES);
      memcpy(out->bytes, p + descriptor, out->length);
      return;
    }
    p += next;
    length -= next;
  }
}

static void read_digest(const uint8_t *p, size_t length, struct pycds_identity *out) {
  uint64_t hash = pycds_hash(p, length < DIGEST_BYTES ? length : DIGEST_BYTES);
  out->kind = PYCDS_IDENTITY_DIGEST;
  out->length = sizeof hash;
  memcpy(out->bytes, &hash, sizeof hash);
}

struct pycds_identity pycds_identity_of_file(const uint8_t *bytes, size_t length) {
  struct pycds_identity out = {0};
  Elf64_Ehdr header;
  if (length < sizeof header) return out;
  memcpy(&header, bytes, sizeof header);
  if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phoff > length ||
      (length - header.e_phoff) / sizeof(Elf64_Phdr) < header.e_phnum) {
    return out;
  }
  const uint8_t *first_load = NULL;
  size_t first_load_bytes = 0;
  for (size_t i = 0; i < header.e_phnum && !out.kind; i++) {
    Elf64_Phdr segment;
    memcpy(&segment, bytes + header.e_phoff + i * sizeof segment, sizeof segment);
    if (segment.p_offset > length || segment.p_filesz > length - segment.p_offset) continue;
    if (segment.p_type == PT_NOTE) read_notes(bytes + segment.p_offset, (size_t)segment.p_filesz, &out);
    if (segment.p_type == PT_LOAD && !first_load) {
      first_load = bytes + segment.p_offset;
      first_load_bytes = (size_t)segment.p_filesz;
    }
  }
  if (!out.kind && first_load) read_digest(first_load, first_load_bytes, &out);
  out.machine = header.e_machine;
  return out;
}

#ifndef __wasm__ /* where no images are loaded */
struct pycds_identity pycds_identity_of_image(const Elf64_Phdr *headers, size_t count, uintptr_t bias) {
  struct pycds_identity out = {0};
  const Elf64_Phdr *first_load = NULL;
  for (size_t i = 0; i < count && !out.kind; i++) {
    if (headers[i].p_type == PT_NOTE) {
      read_notes((const uint8_t *)(bias + headers[i].p_vaddr), headers[i].p_filesz, &out);
    }
    if (headers[i].p_type == PT_LOAD && !first_load) first_load = &headers[i];
  }
  if (!out.kind && first_load) {
    read_digest((const uint8_t *)(bias + first_load->p_vaddr), first_load->p_filesz, &out);
  }
  return out;
}

struct search {
  uintptr_t address;
  struct pycds_loaded loaded;
};

static int visit_image(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size;
  struct search *search = data;
  for (size_t i = 0; i < info->dlpi_phnum; i++) {
    const Elf64_Phdr *segment = &info->dlpi_phdr[i];
    uintptr_t first = info->dlpi_addr + segment->p_vaddr;
    if (segment->p_type != PT_LOAD || search->address < first || search->address - first >= segment->p_memsz) continue;
    search->loaded.identity = pycds_identity_of_image(info->dlpi_phdr, info->dlpi_phnum, info->dlpi_addr);
    search->loaded.path = info->dlpi_name;
    return 1;
  }
  search->loaded.before++;
  return 0;
}

struct pycds_loaded pycds_loaded_image(uintptr_t address) {
  struct search search = {.address = address};
  dl_iterate_phdr(visit_image, &search);
  return search.loaded;
}
#endif
