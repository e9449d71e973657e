// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "next_symbol.h"

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* What the dynamic section of an image says about its symbols. */
struct symbols {
  const Elf64_Sym *table;
  const char *names;
  const uint32_t *gnu_hash, *sysv_hash; /* at least one of them */
};

struct search {
  const char *name;
  bool is_behind; /* the tracer itself was met */
  void *found;
};

/* Some loaders have made addresses of the offsets in the dynamic section, others have not. */
static const void *address_in(const struct dl_phdr_info *image, Elf64_Addr value) {
  return (const void *)(value < image->dlpi_addr ? value + image->dlpi_addr : value);
}

static struct symbols read_dynamic(const struct dl_phdr_info *image, const Elf64_Dyn *entry) {
  struct symbols symbols = {0};
  for (; entry->d_tag != DT_NULL; entry++) {
    const void *address = address_in(image, entry->d_un.d_ptr);
    if (entry->d_tag == DT_SYMTAB) symbols.table = address;
    if (entry->d_tag == DT_STRTAB) symbols.names = address;
    if (entry->d_tag == DT_GNU_HASH) symbols.gnu_hash = address;
    if (entry->d_tag == DT_HASH) symbols.sysv_hash = address;
  }
  return symbols;
}

static bool is_function(const struct symbols *symbols, size_t index, const char *name) {
  const Elf64_Sym *symbol = &symbols->table[index];
  return symbol->st_shndx != SHN_UNDEF && ELF64_ST_TYPE(symbol->st_info) == STT_FUNC &&
         strcmp(symbols->names + symbol->st_name, name) == 0;
}

/* Buckets, the first symbol that is in one, words of a filter, its shift; then filter, buckets and chains. */
static const Elf64_Sym *find_by_gnu_hash(const struct symbols *symbols, const char *name) {
  const uint32_t *table = symbols->gnu_hash;
  uint32_t count = table[0], first = table[1], filter_words = table[2];
  const uint32_t *buckets = table + 4 + 2 * (size_t)filter_words, *chains = buckets + count;
  uint32_t hash = 5381;
  for (const char *at = name; *at; at++) hash = hash * 33 + (uint8_t)*at;
  uint32_t index = count > 0 ? buckets[hash % count] : 0;
  for (; index >= first && index > 0; index++) {
    uint32_t entry = chains[index - first];
    if ((entry | 1) == (hash | 1) && is_function(symbols, index, name)) return &symbols->table[index];
    if (entry & 1) break; /* the last one of its bucket */
  }
  return NULL;
}

static const Elf64_Sym *find_one_by_one(const struct symbols *symbols, const char *name) {
  uint32_t count = symbols->sysv_hash[1];
  for (uint32_t index = 1; index < count; index++) {
    if (is_function(symbols, index, name)) return &symbols->table[index];
  }
  return NULL;
}

static int visit_image(struct dl_phdr_info *image, size_t size, void *data) {
  (void)size;
  struct search *search = data;
  uintptr_t own = (uintptr_t)&next_symbol;
  const Elf64_Dyn *dynamic = NULL;
  for (size_t i = 0; i < image->dlpi_phnum; i++) {
    const Elf64_Phdr *segment = &image->dlpi_phdr[i];
    uintptr_t first = image->dlpi_addr + segment->p_vaddr;
    if (segment->p_type == PT_LOAD && own >= first && own - first < segment->p_memsz) {
      search->is_behind = true;
      return 0;
    }
    if (segment->p_type == PT_DYNAMIC) dynamic = (const Elf64_Dyn *)first;
  }
  if (!search->is_behind || !dynamic) return 0;
  struct symbols symbols = read_dynamic(image, dynamic);
  if (!symbols.table || !symbols.names || (!symbols.gnu_hash && !symbols.sysv_hash)) return 0;
  const Elf64_Sym *symbol =
      symbols.gnu_hash ? find_by_gnu_hash(&symbols, search->name) : find_one_by_one(&symbols, search->name);
  if (symbol) search->found = (void *)(image->dlpi_addr + symbol->st_value);
  return symbol != NULL;
}

void *next_symbol(const char *name) {
  struct search search = {.name = name};
  dl_iterate_phdr(visit_image, &search);
  return search.found;
}
