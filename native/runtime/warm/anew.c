// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "anew.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../cpython/object.h"

/* In front of a name: the same file, under another text. */
#define PREFIX "/././"
#define MOST 4096
#define PAGE 4096
/* Of a link map; more than any version of glibc has. */
#define MOST_BYTES 4096
/* Up to what follows the headers of the program in its own. */
#define MOST_BEFORE_SCOPE 1024

/* One of the names by which a library is found. */
struct library_name {
  const char *text;
  struct library_name *next;
};

/* The beginning of glibc's own structure: include/link.h. */
struct map {
  struct link_map public;
  struct map *real;
  long space;
  struct library_name *names;
  ElfW(Dyn) * info[DT_SONAME + 1]; /* and more, by tag */
};

/* struct r_scope_elem. */
struct scope {
  struct map **list;
  unsigned count;
};

struct file_id {
  dev_t device;
  ino64_t inode;
};

/* Where it lies in all link maps; 0: not known yet. */
static size_t id_offset;

PYCDS_PYAPI PyModuleDef *PyModule_GetDef(PyObject *);
PYCDS_PYAPI PyObject *PyState_FindModule(PyModuleDef *);
PYCDS_PYAPI int PyState_RemoveModule(PyModuleDef *);
__attribute__((weak)) int _PyImport_ClearExtension(PyObject *name, PyObject *file); /* since 3.12 */

size_t anew_libraries(void **maps, size_t most) {
  size_t count = 0;
  struct link_map *program = dlopen(NULL, RTLD_LAZY | RTLD_NOLOAD);
  if (!program) return 0;
  for (struct link_map *one = program->l_next; one; one = one->l_next, count++) {
    if (count < most) maps[count] = one;
  }
  dlclose(program);
  return count;
}

static const ElfW(Dyn) * entry_of(const struct map *map, ElfW(Sxword) tag) {
  for (const ElfW(Dyn) *entry = map->public.l_ld; entry->d_tag != DT_NULL; entry++) {
    if (entry->d_tag == tag) return entry;
  }
  return NULL;
}

/* The loader has made addresses of what the file has as offsets. */
static const void *address_of(const struct map *map, ElfW(Sxword) tag) {
  const ElfW(Dyn) *entry = entry_of(map, tag);
  if (!entry) return NULL;
  ElfW(Addr) address = entry->d_un.d_ptr;
  return (const void *)(address < map->public.l_addr ? address + map->public.l_addr : address);
}

/* ---- whether it can be ---- */

static bool is_recognised(const struct map *map) {
  const ElfW(Dyn) *name = entry_of(map, DT_SONAME);
  return map->real == map && map->space == 0 && map->names && map->info[DT_STRTAB] == entry_of(map, DT_STRTAB) &&
         map->info[DT_SYMTAB] == entry_of(map, DT_SYMTAB) && map->info[DT_SONAME] == name &&
         map->public.l_name[0] == '/';
}

/* The only place of a map that holds the device and the number of its file. */
static bool find_id(const struct map *map) {
  struct stat status;
  if (syscall(SYS_newfstatat, AT_FDCWD, map->public.l_name, &status, 0) != 0) return false;
  const struct file_id id = {status.st_dev, status.st_ino};
  size_t bytes = malloc_usable_size((void *)map), found = 0;
  if (bytes > MOST_BYTES) bytes = MOST_BYTES;
  for (size_t at = sizeof *map; at + sizeof id <= bytes; at += sizeof(long)) {
    if (memcmp((const char *)map + at, &id, sizeof id) != 0) continue;
    if (found) return false;
    found = at;
  }
  if (!found || (id_offset && id_offset != found)) return false;
  id_offset = found;
  return true;
}

static size_t count_symbols(const struct map *map) {
  const uint32_t *plain = address_of(map, DT_HASH), *gnu = address_of(map, DT_GNU_HASH);
  if (plain) return plain[1];
  if (!gnu) return 0;
  const uint32_t *buckets = (const uint32_t *)((const ElfW(Addr) *)(gnu + 4) + gnu[2]), *chains = buckets + gnu[0];
  uint32_t last = 0;
  for (uint32_t i = 0; i < gnu[0]; i++) {
    if (buckets[i] > last) last = buckets[i];
  }
  if (last < gnu[1]) return gnu[1];
  while (!(chains[last - gnu[1]] & 1)) last++;
  return last + 1;
}

/* Where a library's texts are, if they may be written: they are in no memory that is executed. */
static bool has_own_texts(const struct map *map) {
  const char *texts = address_of(map, DT_STRTAB);
  const ElfW(Ehdr) *header = (const void *)map->public.l_addr;
  if (!texts || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return false;
  const ElfW(Phdr) *segments = (const void *)((const char *)header + header->e_phoff);
  for (unsigned i = 0; i < header->e_phnum; i++) {
    ElfW(Addr) start = map->public.l_addr + segments[i].p_vaddr;
    bool within = (ElfW(Addr))texts >= start && (ElfW(Addr))texts < start + segments[i].p_filesz;
    if (segments[i].p_type == PT_LOAD && within) return (segments[i].p_flags & (PF_X | PF_W)) == 0;
  }
  return false;
}

static bool begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

/* Of the C++ library: constants, and numbers that say what is what. */
static bool is_of_standard(const char *name) {
  static const char *const known[] = {"_ZNSt",    "_ZNKSt", "_ZZNSt", "_ZZNKSt", "_ZGVNSt",
                                      "_ZGVZNSt", "_ZSt",   "_ZNSs",  "_ZNSbI"};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (begins(name, known[i])) return true;
  }
  return false;
}

/* Of some variables there is one in a process, whichever library has it; and what a library shows to all others stays
 * in front of what comes later. */
static const char *symbols_refuse(const struct map *map) {
  const ElfW(Sym) *symbols = address_of(map, DT_SYMTAB);
  const char *texts = address_of(map, DT_STRTAB);
  if (!symbols || !texts) return "it has no table of symbols";
  size_t count = count_symbols(map);
  for (size_t i = 1; i < count; i++) {
    const ElfW(Sym) *one = &symbols[i];
    unsigned binding = ELF64_ST_BIND(one->st_info);
    if (one->st_shndx == SHN_UNDEF || ELF64_ST_TYPE(one->st_info) == STT_TLS) continue;
    const char *name = texts + one->st_name;
    if (binding == STB_GNU_UNIQUE && !is_of_standard(name) && !has_own_texts(map))
      return "it has a variable of which there is one only in a process";
    if (binding != STB_GLOBAL || (one->st_other & 3) != STV_DEFAULT || ELF64_ST_TYPE(one->st_info) == STT_GNU_IFUNC)
      continue;
    if (dlsym(RTLD_DEFAULT, name) == (void *)(map->public.l_addr + one->st_value)) return "all others see its symbols";
  }
  return NULL;
}

/* Its types are known to CPython by numbers, of which there are few: of 3.13's own module of dates. It can be initialised
 * again as it is. */
static bool stays(const struct map *map) {
  static const char numbered[] = "_PyStaticType_InitForExtension";
  const ElfW(Sym) *symbols = address_of(map, DT_SYMTAB);
  const char *texts = address_of(map, DT_STRTAB);
  for (size_t i = 1, count = count_symbols(map); i < count; i++) {
    if (symbols[i].st_shndx == SHN_UNDEF && strcmp(texts + symbols[i].st_name, numbered) == 0) return true;
  }
  return false;
}

const char *anew_refuses(void *library) {
  struct map *map = library;
  if (!is_recognised(map)) return "the loader describes it in an unknown way";
  if (!find_id(map)) return "the number of its file is not found";
  return symbols_refuse(map);
}

/* ---- the global scope ---- */

/* NULL: it is not recognised, or nobody has looked for it yet. */
static struct scope *global_scope;
/* Where all link maps say whether they are in it. */
static struct {
  size_t at;
  uint8_t bit;
} mark;

static bool is_loaded(const struct map *program, const struct map *one) {
  for (const struct link_map *map = &program->public; map; map = map->l_next) {
    if (map == &one->public) return true;
  }
  return false;
}

static bool is_scope(const struct scope *scope, const struct map *program) {
  if (!scope->list || scope->count == 0 || scope->count > MOST || scope->list[0] != program) return false;
  for (unsigned i = 1; i < scope->count; i++) {
    if (!is_loaded(program, scope->list[i])) return false;
  }
  return true;
}

/* The scope of the program itself, which glibc has behind the program's headers, its entry and their number. */
static struct scope *find_scope(void) {
  struct map *program = dlopen(NULL, RTLD_LAZY | RTLD_NOLOAD);
  if (!program) return NULL;
  dlclose(program);
  const unsigned long headers = getauxval(AT_PHDR), entry = getauxval(AT_ENTRY), count = getauxval(AT_PHNUM);
  unsigned long *words = (unsigned long *)program;
  for (size_t i = sizeof *program / sizeof *words; i + 3 < MOST_BEFORE_SCOPE / sizeof *words; i++) {
    if (words[i] != headers || words[i + 1] != entry || (words[i + 2] & UINT16_MAX) != count) continue;
    struct scope *scope = (struct scope *)&words[i + 3];
    return is_scope(scope, program) ? scope : NULL;
  }
  return NULL;
}

static void set_mark(struct map *map, bool to) {
  uint8_t *byte = (uint8_t *)map + mark.at;
  *byte = (uint8_t)(to ? *byte | mark.bit : *byte & ~mark.bit);
}

/* The only bit that is another one once a library has been put into the scope: this one, which is taken out again. */
static bool find_mark(struct scope *scope) {
  static uint8_t before[MOST_BYTES];
  Dl_info info;
  struct map *own = NULL;
  if (!dladdr1((const void *)(uintptr_t)find_mark, &info, (void **)&own, RTLD_DL_LINKMAP) || !own) return false;
  size_t bytes = malloc_usable_size(own);
  if (bytes > sizeof before) bytes = sizeof before;
  memcpy(before, own, bytes);
  const unsigned count = scope->count;
  void *handle = dlopen(own->public.l_name, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
  if (!handle) return false;
  dlclose(handle);
  unsigned found = 0;
  for (size_t i = sizeof *own; i < bytes; i++) {
    uint8_t changed = before[i] ^ ((const uint8_t *)own)[i];
    if (!changed) continue;
    found += (changed & (changed - 1)) == 0 && !(before[i] & changed) ? 1 : 2;
    mark.at = i;
    mark.bit = changed;
  }
  const bool single = found == 1 && memcmp(before, own, sizeof *own) == 0;
  for (unsigned i = count; single && i < scope->count; i++) set_mark(scope->list[i], false);
  scope->count = count;
  return single;
}

size_t anew_global(void **maps, size_t most) {
  static bool looked;
  if (!looked) {
    struct scope *scope = find_scope();
    global_scope = scope && find_mark(scope) ? scope : NULL;
    looked = true;
  }
  if (!global_scope) return 0;
  for (size_t i = 0; i < global_scope->count && i < most; i++) maps[i] = global_scope->list[i];
  return global_scope->count;
}

void anew_leave_global(size_t count) {
  if (!global_scope || count == 0) return;
  for (size_t i = count; i < global_scope->count; i++) set_mark(global_scope->list[i], false);
  if (count < global_scope->count) global_scope->count = (unsigned)count;
}

static bool is_among(void *const *maps, size_t count, const void *one) {
  for (size_t i = 0; i < count; i++) {
    if (maps[i] == one) return true;
  }
  return false;
}

void anew_join_global(void *const *maps, size_t count) {
  /* glibc appends in place as long as it believes that there is room: never as many as this. It frees lists of its own
   * only, and takes this one for one of those: another one each time. */
  static const size_t room = 4 * MOST;
  if (!global_scope || count > MOST || global_scope->count > MOST) return;
  struct map **list = malloc(room * sizeof *list);
  if (!list) return;
  unsigned total = global_scope->count;
  memcpy(list, global_scope->list, total * sizeof *list);
  for (size_t i = 0; i < count; i++) {
    if (is_among((void *const *)list, total, maps[i])) continue;
    set_mark(maps[i], true);
    list[total++] = maps[i];
  }
  /* Other threads may be looking symbols up: by their number, which they read first. */
  __atomic_store_n(&global_scope->list, list, __ATOMIC_RELEASE);
  __atomic_store_n(&global_scope->count, total, __ATOMIC_RELEASE);
}

/* ---- doing it ---- */

static bool is_named(const struct map *map, const char *name) {
  if (strcmp(map->public.l_name, name) == 0) return true;
  for (const struct library_name *one = map->names; one; one = one->next) {
    if (strcmp(one->text, name) == 0) return true;
  }
  const char *texts = address_of(map, DT_STRTAB);
  return map->info[DT_SONAME] && strcmp(texts + map->info[DT_SONAME]->d_un.d_val, name) == 0;
}

bool anew_needs(const void *library, const void *other) {
  const struct map *map = library;
  const char *texts = address_of(map, DT_STRTAB);
  for (const ElfW(Dyn) *entry = map->public.l_ld; texts && entry->d_tag != DT_NULL; entry++) {
    if (entry->d_tag == DT_NEEDED && is_named(other, texts + entry->d_un.d_val)) return true;
  }
  return false;
}

static const char *other_name(const char *name) {
  char *text = malloc(sizeof PREFIX + strlen(name));
  return text ? strcat(strcpy(text, PREFIX), name) : name;
}

static bool is_hidden(const struct map *map) { return begins(map->public.l_name, PREFIX); }

/* Variables of which there is one in a process are found by their names in the library that was the first to have them. */
static void rename_unique(const struct map *map) {
  const ElfW(Sym) *symbols = address_of(map, DT_SYMTAB);
  const char *texts = address_of(map, DT_STRTAB);
  const ElfW(Dyn) *bytes = entry_of(map, DT_STRSZ);
  if (!bytes || !has_own_texts(map)) return;
  uintptr_t start = (uintptr_t)texts & ~(uintptr_t)(PAGE - 1);
  size_t length = (uintptr_t)texts + bytes->d_un.d_val - start;
  bool writable = false;
  for (size_t i = 1, count = count_symbols(map); i < count; i++) {
    if (ELF64_ST_BIND(symbols[i].st_info) != STB_GNU_UNIQUE || symbols[i].st_shndx == SHN_UNDEF) continue;
    if (!writable && mprotect((void *)start, length, PROT_READ | PROT_WRITE) != 0) return;
    writable = true;
    *(char *)(uintptr_t)(texts + symbols[i].st_name) = '.';
  }
  if (writable) mprotect((void *)start, length, PROT_READ);
}

static void hide(struct map *map) {
  if (!id_offset || is_hidden(map)) return;
  map->public.l_name = (char *)other_name(map->public.l_name);
  for (struct library_name *one = map->names; one; one = one->next) one->text = other_name(one->text);
  map->info[DT_SONAME] = NULL;
  rename_unique(map);
  memset((char *)map + id_offset, 0, sizeof(struct file_id));
}

/* Whether a library that stays depends on it. */
static bool is_needed(const struct map *map, void *const *going, size_t count, void *const *all, size_t all_count) {
  for (size_t i = 0; i < all_count; i++) {
    const struct map *other = all[i];
    if (!is_hidden(other) && !is_among(going, count, other) && anew_needs(other, map)) return true;
  }
  return false;
}

void anew_libraries_again(void *const *maps, size_t count) {
  static void *all[MOST];
  size_t all_count = anew_libraries(all, MOST), left = count;
  void **going = malloc((count + 1) * sizeof *going);
  if (!going || all_count > MOST) return;
  memcpy(going, maps, count * sizeof *going);
  for (bool more = true; more;) {
    more = false;
    for (size_t i = 0; i < left; i++) {
      if (!stays(going[i]) && !is_needed(going[i], going, left, all, all_count)) continue;
      going[i--] = going[--left];
      more = true;
    }
  }
  for (size_t i = 0; i < left; i++) hide(going[i]);
  free(going);
}

void anew_module(PyObject *module, bool loaded) {
  PyModuleDef *definition = type_of(module) == &PyModule_Type ? PyModule_GetDef(module) : NULL;
  if (!definition || definition->slots) return;
  /* Some look whether they are there already. */
  if (definition->base.index > 0 && PyState_FindModule(definition)) PyState_RemoveModule(definition);
  PyErr_Clear();
  if (!loaded) return;
  /* Without these the description that it remembers is of no use to it: import_find_extension. */
  definition->base.copy = NULL;
  definition->base.init = NULL;
  /* Since 3.12 the first description of a module is kept, whatever comes later. */
  PyObject *namespace = PyModule_GetDict(module);
  PyObject *name = PyDict_GetItemString(namespace, "__name__"), *file = PyDict_GetItemString(namespace, "__file__");
  if (_PyImport_ClearExtension && name && file) _PyImport_ClearExtension(name, file);
  PyErr_Clear();
}
