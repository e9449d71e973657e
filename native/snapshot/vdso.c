// SPDX-License-Identifier: Apache-2.0
#include "vdso.h"

#include <elf.h>
#include <linux/errno.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "../static/sys/text.h"

struct tables {
  const uint8_t *image;
  uint64_t bytes;
  uint64_t bias; /* from the addresses that the image was linked for to offsets in it */
  const Elf64_Sym *symbols;
  const char *strings;
  const uint32_t *hash, *gnu_hash;
};

static const void *at(const struct tables *tables, uint64_t address, uint64_t bytes) {
  uint64_t offset = address + tables->bias;
  return offset <= tables->bytes && bytes <= tables->bytes - offset ? tables->image + offset : NULL;
}

static bool find_tables(struct tables *tables) {
  const Elf64_Ehdr *header = (const Elf64_Ehdr *)tables->image;
  if (tables->bytes < sizeof *header || header->e_ident[EI_CLASS] != ELFCLASS64) return false;
  if (header->e_phoff > tables->bytes || header->e_phnum * sizeof(Elf64_Phdr) > tables->bytes - header->e_phoff)
    return false;
  const Elf64_Phdr *segments = (const Elf64_Phdr *)(tables->image + header->e_phoff);
  const Elf64_Phdr *dynamic = NULL;
  for (unsigned i = 0; i < header->e_phnum; i++) {
    if (segments[i].p_type == PT_LOAD) tables->bias = segments[i].p_offset - segments[i].p_vaddr;
    if (segments[i].p_type == PT_DYNAMIC) dynamic = &segments[i];
  }
  if (!dynamic || dynamic->p_offset > tables->bytes || dynamic->p_filesz > tables->bytes - dynamic->p_offset)
    return false;
  const Elf64_Dyn *entry = (const Elf64_Dyn *)(tables->image + dynamic->p_offset);
  for (uint64_t left = dynamic->p_filesz / sizeof *entry; left > 0 && entry->d_tag != DT_NULL; left--, entry++) {
    uint64_t address = entry->d_un.d_ptr;
    if (entry->d_tag == DT_SYMTAB) tables->symbols = at(tables, address, sizeof(Elf64_Sym));
    if (entry->d_tag == DT_STRTAB) tables->strings = at(tables, address, 1);
    if (entry->d_tag == DT_HASH) tables->hash = at(tables, address, 8);
    if (entry->d_tag == DT_GNU_HASH) tables->gnu_hash = at(tables, address, 16);
  }
  return tables->symbols && tables->strings && (tables->hash || tables->gnu_hash);
}

/* How many symbols there are; newer kernels leave the table out that says so. */
static uint32_t count_symbols(const struct tables *tables) {
  if (tables->hash) return tables->hash[1];
  uint32_t buckets = tables->gnu_hash[0], first = tables->gnu_hash[1], words = tables->gnu_hash[2];
  const uint32_t *bucket = tables->gnu_hash + 4 + (size_t)words * 2;
  const uint32_t *chain = bucket + buckets, *end = (const uint32_t *)(tables->image + tables->bytes);
  uint32_t last = 0;
  if (chain > end || chain < bucket) return 0;
  for (uint32_t i = 0; i < buckets; i++) {
    if (bucket[i] > last) last = bucket[i];
  }
  if (last < first) return 0;
  while (chain + (last - first) < end && !(chain[last - first] & 1)) last++;
  return last + 1;
}

int vdso_symbols(const uint8_t *image, uint64_t bytes, struct vdso_symbol *symbols, int most) {
  struct tables tables = {.image = image, .bytes = bytes};
  if (!find_tables(&tables)) return -1;
  uint32_t total = count_symbols(&tables);
  const char *end = (const char *)image + bytes;
  int count = 0;
  for (uint32_t i = 1; i < total; i++) {
    const Elf64_Sym *symbol = &tables.symbols[i];
    if ((const char *)(symbol + 1) > end) return -1;
    if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || symbol->st_shndx == SHN_UNDEF) continue;
    uint64_t offset = symbol->st_value + tables.bias;
    const char *name = tables.strings + symbol->st_name;
    if (count == most || offset > bytes || bytes - offset < VDSO_CODE_BYTES || name >= end) return -1;
    size_t length = 0;
    for (; length < VDSO_NAME_BYTES - 1 && name + length < end && name[length]; length++)
      symbols[count].name[length] = name[length];
    symbols[count].name[length] = 0;
    symbols[count++].offset = (uint32_t)offset;
  }
  return count;
}

void vdso_jump(uint8_t *code, uint64_t target) {
  /* movabs $target, %rax; jmp *%rax: %rax is free at the start of a function. */
  *code++ = 0x48;
  *code++ = 0xb8;
  for (int i = 0; i < 8; i++) *code++ = (uint8_t)(target >> (8 * i));
  *code++ = 0xff;
  *code = 0xe0;
}

bool vdso_call(uint8_t *code, const char *name) {
  static const struct {
    const char *name;
    uint32_t number;
  } calls[] = {
      {"clock_gettime", SYS_clock_gettime},
      {"gettimeofday", SYS_gettimeofday},
      {"time", SYS_time},
      {"getcpu", SYS_getcpu},
      {"clock_getres", SYS_clock_getres},
      {"getrandom", 318},
  };
  if (text_begins(name, "__vdso_")) name += sizeof "__vdso_" - 1;
  /* No call, and only of kernels with enclaves: who looks for it later finds that this one has none. */
  if (text_is(name, "sgx_enter_enclave")) {
    static const uint8_t not_there[] = {0xb8, 256 - ENOSYS, 0xff, 0xff, 0xff, 0xc3}; /* mov $-ENOSYS, %eax; ret */
    for (size_t i = 0; i < sizeof not_there; i++) code[i] = not_there[i];
    return true;
  }
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    if (!text_is(name, calls[i].name)) continue;
    /* mov $number, %eax; syscall; ret: the arguments are where the kernel wants them. */
    *code++ = 0xb8;
    for (int byte = 0; byte < 4; byte++) *code++ = (uint8_t)(calls[i].number >> (8 * byte));
    *code++ = 0x0f;
    *code++ = 0x05;
    *code = 0xc3;
    return true;
  }
  return false;
}
