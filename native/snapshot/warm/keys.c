// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "keys.h"

#include <link.h>
#include <stdbool.h>
#include <string.h>

/* More maps than an import makes. */
#define MOST_MAPS (UINT64_C(1) << 32)

struct library {
  const struct link_map *map;
  const char *storage; /* of this thread, or NULL */
  size_t bytes;
  bool found;
};

static int look(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size;
  struct library *library = data;
  if (info->dlpi_addr != library->map->l_addr || strcmp(info->dlpi_name, library->map->l_name) != 0) return 0;
  library->found = true;
  for (size_t i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &info->dlpi_phdr[i];
    if (part->p_type != PT_TLS) continue;
    library->storage = info->dlpi_tls_data;
    library->bytes = part->p_memsz;
  }
  return 1;
}

static struct library library_of(const void *map) {
  struct library library = {.map = map};
  dl_iterate_phdr(look, &library);
  return library;
}

size_t keys_find(const void *map, const unsigned char keys[WATCH_KEY_BYTES]) {
  struct library library = library_of(map);
  uint64_t drawn[2], here[2];
  size_t found = KEYS_NOWHERE;
  memcpy(drawn, keys, sizeof drawn);
  if (!library.found || !library.storage) return KEYS_NOWHERE;
  for (size_t at = 0; at + sizeof here <= library.bytes; at += sizeof *here) {
    memcpy(here, library.storage + at, sizeof here);
    if (here[1] != drawn[1] || here[0] - drawn[0] > MOST_MAPS) continue;
    if (found != KEYS_NOWHERE) return KEYS_NOWHERE;
    found = at;
  }
  return found;
}

uintptr_t keys_address(const void *map, size_t offset) {
  struct library library = library_of(map);
  return library.storage ? (uintptr_t)library.storage + offset : 0;
}

struct search {
  const struct link_map *map;
  const char *bytes;
  size_t count;
  void (*found)(uintptr_t address, void *data);
  void *data;
};

static int search(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size;
  const struct search *search = data;
  if (info->dlpi_addr != search->map->l_addr || strcmp(info->dlpi_name, search->map->l_name) != 0) return 0;
  for (size_t i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &info->dlpi_phdr[i];
    if (part->p_type != PT_LOAD || !(part->p_flags & PF_W)) continue;
    const char *start = (const char *)(info->dlpi_addr + part->p_vaddr), *end = start + part->p_memsz;
    start += -(uintptr_t)start % sizeof(uint64_t);
    for (; start + search->count <= end; start += sizeof(uint64_t)) {
      if (memcmp(start, search->bytes, search->count) == 0) search->found((uintptr_t)start, search->data);
    }
  }
  return 1;
}

void keys_search(const void *map, const char *bytes, size_t count, void (*found)(uintptr_t, void *), void *data) {
  struct search one = {map, bytes, count, found, data};
  dl_iterate_phdr(search, &one);
}
