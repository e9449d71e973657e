// SPDX-License-Identifier: Apache-2.0
// Objects are read, not mapped, into an anonymous arena (docs/decisions/0003): a later
// change of the file can never reach a running process, and what was checked is what runs.
// The arena is never released: finalisation still writes into archived objects.
#define _GNU_SOURCE
#include "archive.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../core/elf.h"
#include "../core/hash.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

/* Out of the way of programs that expect or close low numbers. */
#define DESCRIPTOR_MINIMUM 200
#define PAGE_BYTES ((uint64_t)4096)

#if defined(__x86_64__)
#define OWN_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OWN_MACHINE EM_AARCH64
#else
#error "unsupported architecture"
#endif

/* ---- the file ---- */

static int open_file(const char *path, struct stat *status) {
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return -1;
  int high = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, DESCRIPTOR_MINIMUM);
  if (high >= 0) {
    close(fd);
    fd = high;
  }
  if (syscall(SYS_newfstatat, fd, "", status, AT_EMPTY_PATH) != 0 || !S_ISREG(status->st_mode)) {
    close(fd);
    return -1;
  }
  return fd;
}

static bool read_parts(const struct archive *a, uint64_t offset, struct iovec *parts, int count) {
  size_t wanted = 0;
  for (int i = 0; i < count; i++) wanted += parts[i].iov_len;
  return preadv(a->fd, parts, count, (off_t)offset) == (ssize_t)wanted;
}

static bool read_at(const struct archive *a, uint64_t offset, void *into, size_t bytes) {
  struct iovec part = {into, bytes};
  return read_parts(a, offset, &part, 1);
}

/* A program may close every descriptor it does not know (daemons do) and its number may
 * be in use for something else: checksums then fail, and the same file is opened again. */
static bool reopen(struct archive *a) {
  struct stat status;
  int fd = open_file(a->path, &status);
  if (fd < 0) return false;
  if (status.st_dev != a->device || status.st_ino != a->inode) {
    close(fd);
    return false;
  }
  a->fd = fd; /* the old number is not ours to close any more */
  return true;
}

static uint8_t *grow(uint8_t **buffer, size_t *capacity, size_t bytes) {
  if (*capacity < bytes) {
    uint8_t *grown = realloc(*buffer, bytes * 2);
    if (!grown) return NULL;
    *buffer = grown;
    *capacity = bytes * 2;
  }
  return *buffer;
}

/* ---- this interpreter ---- */

struct image_search {
  uintptr_t address;
  struct pycds_identity identity;
};

static int visit_image(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size;
  struct image_search *search = data;
  for (size_t i = 0; i < info->dlpi_phnum; i++) {
    const Elf64_Phdr *segment = &info->dlpi_phdr[i];
    uintptr_t start = info->dlpi_addr + segment->p_vaddr;
    if (segment->p_type == PT_LOAD && search->address >= start && search->address - start < segment->p_memsz) {
      search->identity = pycds_identity_of_image(info->dlpi_phdr, info->dlpi_phnum, info->dlpi_addr);
      return 1;
    }
  }
  return 0;
}

static long sys_flag(const char *name) {
  PyObject *flags = PySys_GetObject("flags");
  PyObject *value = flags ? PyObject_GetAttrString(flags, name) : NULL;
  long result = value ? PyLong_AsLong(value) : -1;
  if (value) Py_DecRef(value);
  PyErr_Clear();
  return result;
}

/* Code of 3.11 and later has column information, unless the interpreter is told to drop it. */
static bool has_no_debug_ranges(void) {
  if (!&Py_Version) return false;
  const char *variable = getenv("PYTHONNODEBUGRANGES");
  if (variable && *variable && sys_flag("ignore_environment") == 0) return true;
  PyObject *options = PySys_GetObject("_xoptions");
  return options && PyDict_GetItemString(options, "no_debug_ranges");
}

static enum pycds_reject check_interpreter(const struct pycds_header *h) {
  if (h->machine != OWN_MACHINE || h->pointer_bytes != sizeof(void *)) return PYCDS_REJECT_ARCHITECTURE;
  PyObject *hexversion = PySys_GetObject("hexversion");
  if (!hexversion || (uint32_t)PyLong_AsLong(hexversion) != h->hexversion) return PYCDS_REJECT_PYTHON_VERSION;
  if (PySys_GetObject("gettotalrefcount") || _Py_DecRefShared || h->abi_flags != 0) return PYCDS_REJECT_PYTHON_ABI;
  struct image_search search = {.address = (uintptr_t)&Py_GetVersion};
  dl_iterate_phdr(visit_image, &search);
  if (search.identity.kind != h->identity_kind || search.identity.length != h->identity_bytes ||
      memcmp(search.identity.bytes, h->identity, h->identity_bytes) != 0) {
    return PYCDS_REJECT_BUILD_MISMATCH;
  }
  if (sys_flag("optimize") != h->optimize) return PYCDS_REJECT_OPTIMIZE;
  return has_no_debug_ranges() ? PYCDS_REJECT_DEBUG_RANGES : PYCDS_ACCEPTED;
}

/* ---- opening ---- */

static void *reserve(void *address, size_t bytes, int flags) {
  void *memory = mmap(address, bytes ? bytes : 1, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

static bool reserve_arena(struct archive *a) {
  size_t bytes = (size_t)((a->header.arena_bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1));
  void *preferred = (void *)(uintptr_t)a->header.arena_base;
  if (!getenv("PYCDS_FORCE_RELOCATE")) {
    a->arena = reserve(preferred, bytes, MAP_FIXED_NOREPLACE);
    /* Kernels before 4.17 take the address as a hint only. */
    if (a->arena && a->arena != preferred) {
      munmap(a->arena, bytes ? bytes : 1);
      a->arena = NULL;
    }
  }
  if (!a->arena) a->arena = reserve(NULL, bytes, 0);
  if (!a->arena) return false;
  a->moved = (intptr_t)((uintptr_t)a->arena - (uintptr_t)preferred);
  if (bytes) madvise(a->arena, bytes, MADV_HUGEPAGE);
  a->strings = reserve(NULL, (size_t)a->header.string_count * sizeof *a->strings, 0);
  a->codes = reserve(NULL, (size_t)a->header.module_count * sizeof *a->codes, 0);
  a->has_strings = reserve(NULL, a->header.module_count, 0);
  return a->strings && a->codes && a->has_strings;
}

static bool resolve_symbols(struct archive *a) {
  a->symbols[PYCDS_SYMBOL_NONE] = &_Py_NoneStruct;
  a->symbols[PYCDS_SYMBOL_TRUE] = &_Py_TrueStruct;
  a->symbols[PYCDS_SYMBOL_FALSE] = &_Py_FalseStruct;
  a->symbols[PYCDS_SYMBOL_ELLIPSIS] = &_Py_EllipsisObject;
  a->symbols[PYCDS_SYMBOL_EMPTY_TUPLE] = PyTuple_New(0);
  a->symbols[PYCDS_SYMBOL_EMPTY_BYTES] = PyBytes_FromStringAndSize(NULL, 0);
  a->symbols[PYCDS_SYMBOL_EMPTY_STR] = PyUnicode_FromStringAndSize(NULL, 0);
  for (int i = 0; i < PYCDS_SYMBOL_LATIN1; i++) {
    if (!a->symbols[i]) return false;
  }
  return true;
}

enum pycds_reject archive_open(struct archive *a, const char *path) {
  struct stat status;
  uint8_t start[sizeof(struct pycds_header) + PYCDS_MAX_SECTIONS * sizeof(struct pycds_section)];
  *a = (struct archive){.path = path, .fd = open_file(path, &status)};
  if (a->fd < 0) return PYCDS_REJECT_MISSING;
  a->device = status.st_dev;
  a->inode = status.st_ino;
  ssize_t available = pread(a->fd, start, sizeof start, 0);
  enum pycds_reject reject = PYCDS_REJECT_MISSING;
  if (available < 0) goto out;
  reject = pycds_header_check(start, (size_t)available, (uint64_t)status.st_size);
  if (reject) goto out;
  memcpy(&a->header, start, sizeof a->header);
  struct pycds_section section;
  pycds_section_find(start, PYCDS_SECTION_INDEX, &section);
  a->index_offset = section.offset;
  pycds_section_find(start, PYCDS_SECTION_RECORDS, &section);
  a->records_offset = section.offset;
  reject = check_interpreter(&a->header);
  if (reject) goto out;
  reject = PYCDS_REJECT_MEMORY;
  if (!reserve_arena(a) || !resolve_symbols(a)) goto out;
  return PYCDS_ACCEPTED;
out:
  close(a->fd);
  a->fd = -1;
  PyErr_Clear();
  return reject;
}

/* ---- finding ---- */

static bool read_record(const struct archive *a, uint32_t number, struct pycds_record *record) {
  return read_at(a, a->records_offset + number * sizeof *record, record, sizeof *record) &&
         pycds_record_check(record, &a->header);
}

/* Probes the index a few slots at a time. A damaged slot ends as a miss. */
static uint32_t find_number(const struct archive *a, uint64_t hash) {
  uint32_t mask = a->header.index_slots - 1;
  struct pycds_slot slots[4];
  for (uint32_t probe = 0; probe <= mask; probe++) {
    uint64_t at = (hash + probe) & mask;
    if (probe == 0 || at % 4 == 0) {
      uint64_t first = at & ~(uint64_t)3;
      if (!read_at(a, a->index_offset + first * sizeof *slots, slots, sizeof slots)) return PYCDS_NO_RECORD;
    }
    const struct pycds_slot *slot = &slots[at % 4];
    if (slot->record == PYCDS_NO_RECORD) return PYCDS_NO_RECORD;
    if (slot->name_hash == hash && slot->check == ((uint32_t)hash ^ slot->record) &&
        slot->record < a->header.module_count) {
      return slot->record;
    }
  }
  return PYCDS_NO_RECORD;
}

/* Reads fix-ups and string offsets aside, and strings and objects into the arena, in one
 * call, unless they are there already. */
static bool read_block(struct archive *a, struct found *f) {
  const struct pycds_record *r = &f->record;
  size_t aside = (size_t)r->fixup_bytes + r->offset_bytes;
  uint8_t *scratch = grow(&a->scratch, &a->scratch_bytes, aside);
  if (!scratch) return false;
  uint8_t *strings = a->arena + r->arena;
  bool done = false;
  if (a->codes[f->number]) {
    done = read_at(a, r->block, scratch, r->fixup_bytes);
  } else if (a->has_strings[f->number]) {
    done = read_at(a, r->block, scratch, r->fixup_bytes) &&
           read_at(a, r->block + aside + r->string_bytes, strings + r->string_bytes, r->object_bytes);
  } else {
    struct iovec parts[] = {{scratch, aside}, {strings, (size_t)r->string_bytes + r->object_bytes}};
    done = read_parts(a, r->block, parts, 2);
  }
  return done && pycds_hash(scratch, r->fixup_bytes) == r->fixup_hash &&
         pycds_fixups_split(scratch, r->fixup_bytes, &f->lists);
}

static enum pycds_miss find_once(struct archive *a, const char *name, size_t length, struct found *out) {
  uint64_t hash = pycds_hash(name, length);
  out->number = find_number(a, hash);
  if (out->number == PYCDS_NO_RECORD) return PYCDS_MISS_NOT_ARCHIVED;
  if (!read_record(a, out->number, &out->record) || !read_block(a, out)) return PYCDS_MISS_DAMAGED;
  bool same = out->lists.header->name_bytes == length && memcmp(out->lists.name, name, length) == 0;
  return same ? PYCDS_SERVED : PYCDS_MISS_NOT_ARCHIVED;
}

enum pycds_miss archive_find(struct archive *a, const char *name, size_t length, struct found *out) {
  struct stat status;
  enum pycds_miss miss = find_once(a, name, length, out);
  if (miss == PYCDS_SERVED) return miss;
  bool ours = syscall(SYS_newfstatat, a->fd, "", &status, AT_EMPTY_PATH) == 0 && status.st_dev == a->device &&
              status.st_ino == a->inode;
  if (!ours && reopen(a)) miss = find_once(a, name, length, out);
  return miss;
}

/* ---- finishing objects ---- */

static void set_type(uint8_t *object, PyTypeObject *type) { memcpy(object + sizeof(intptr_t), &type, sizeof type); }

static void set_pointer(uint8_t *slot, PyObject *to) { memcpy(slot, &to, sizeof to); }

/* An object offset whose eight bytes lie inside the module's objects. */
static bool holds(const struct pycds_record *r, uint64_t offset) { return offset + 8 <= r->object_bytes; }

static bool finish_strings(struct archive *a, uint32_t number, const struct pycds_record *r, const uint8_t *offsets) {
  uint8_t *strings = a->arena + r->arena;
  if (pycds_hash(offsets, r->offset_bytes) != r->offset_hash ||
      pycds_hash(strings, r->string_bytes) != r->string_hash) {
    return false;
  }
  for (uint32_t i = 0; i < r->string_count; i++) {
    uint32_t offset;
    memcpy(&offset, offsets + 4 * (size_t)i, sizeof offset);
    if (offset + 48ull > r->string_bytes) return false;
    set_type(strings + offset, &PyUnicode_Type);
    PyObject *string = (PyObject *)(void *)(strings + offset);
    PyUnicode_InternInPlace(&string);
    a->strings[r->string_first + i] = string;
  }
  a->has_strings[number] = 1;
  return true;
}

/* The strings of another module's block, which this one shares. */
static bool need_strings(struct archive *a, uint32_t number) {
  struct pycds_record r;
  if (number >= a->header.module_count) return false;
  if (a->has_strings[number]) return true;
  if (!read_record(a, number, &r)) return false;
  uint8_t *offsets = grow(&a->string_scratch, &a->string_scratch_bytes, r.offset_bytes);
  struct iovec parts[] = {{offsets, r.offset_bytes}, {a->arena + r.arena, r.string_bytes}};
  return offsets && read_parts(a, r.block + r.fixup_bytes, parts, 2) && finish_strings(a, number, &r, offsets);
}

static PyObject *small_int(struct archive *a, uint32_t biased) {
  if (biased >= sizeof a->small_ints / sizeof *a->small_ints) return NULL;
  if (!a->small_ints[biased]) a->small_ints[biased] = PyLong_FromLong((long)biased - PYCDS_SMALL_INT_BIAS);
  return a->small_ints[biased];
}

static PyObject *latin1(struct archive *a, uint32_t value) {
  if (value >= sizeof a->latin1 / sizeof *a->latin1) return NULL;
  if (!a->latin1[value]) {
    a->latin1[value] = PyUnicode_FromOrdinal((int)(value & 0xff));
    if (value & PYCDS_LATIN1_INTERNED && a->latin1[value]) PyUnicode_InternInPlace(&a->latin1[value]);
  }
  return a->latin1[value];
}

static PyObject *symbol(struct archive *a, uint32_t word) {
  uint32_t kind = word >> PYCDS_SYMBOL_SHIFT, value = word & PYCDS_SYMBOL_VALUE;
  if (kind == PYCDS_SYMBOL_SMALL_INT) return small_int(a, value);
  if (kind == PYCDS_SYMBOL_LATIN1) return latin1(a, value);
  return kind < PYCDS_SYMBOL_LATIN1 ? a->symbols[kind] : NULL;
}

static bool finish_types(uint8_t *objects, const struct found *f) {
  PyTypeObject *const types[PYCDS_TYPE_COUNT] = {
      [PYCDS_TYPE_STR] = &PyUnicode_Type, [PYCDS_TYPE_BYTES] = &PyBytes_Type,     [PYCDS_TYPE_INT] = &PyLong_Type,
      [PYCDS_TYPE_FLOAT] = &PyFloat_Type, [PYCDS_TYPE_COMPLEX] = &PyComplex_Type, [PYCDS_TYPE_TUPLE] = &PyTuple_Type,
      [PYCDS_TYPE_CODE] = &PyCode_Type,
  };
  for (int type = 0; type < PYCDS_TYPE_COUNT; type++) {
    const uint32_t *list = f->lists.types[type];
    for (uint32_t i = 0; i < f->lists.header->type_counts[type]; i++) {
      if (!holds(&f->record, list[i] + 8ull)) return false;
      set_type(objects + list[i], types[type]);
    }
  }
  return true;
}

static bool finish_slots(struct archive *a, uint8_t *objects, const struct found *f) {
  const uint32_t *pair = f->lists.string_slots;
  for (uint32_t i = 0; i < f->lists.header->string_slots; i++, pair += 2) {
    PyObject *string = pair[1] < a->header.string_count ? a->strings[pair[1]] : NULL;
    if (!string || !holds(&f->record, pair[0])) return false;
    set_pointer(objects + pair[0], string);
  }
  pair = f->lists.symbol_slots;
  for (uint32_t i = 0; i < f->lists.header->symbol_slots; i++, pair += 2) {
    PyObject *object = symbol(a, pair[1]);
    if (!object || !holds(&f->record, pair[0])) return false;
    set_pointer(objects + pair[0], object);
  }
  return true;
}

static bool finish_frozensets(uint8_t *objects, const struct found *f) {
  const uint32_t *p = f->lists.frozensets, *end = p + f->lists.header->frozenset_words;
  while (end - p >= 2) {
    uint32_t tuple = p[0], slots = p[1];
    p += 2;
    if (!holds(&f->record, tuple) || slots > (uint64_t)(end - p)) return false;
    PyObject *set = PyFrozenSet_New((PyObject *)(void *)(objects + tuple));
    if (!set) return false;
    for (; slots > 0; slots--, p++) {
      if (!holds(&f->record, *p)) return false;
      set_pointer(objects + *p, set);
    }
  }
  return true;
}

static bool relocate(struct archive *a, uint8_t *objects, const struct found *f) {
  const struct pycds_record *r = &f->record;
  uint8_t *list = grow(&a->string_scratch, &a->string_scratch_bytes, r->reloc_bytes);
  uint64_t offset = r->block + pycds_block_bytes(r) - r->reloc_bytes;
  if (!list || !read_at(a, offset, list, r->reloc_bytes) || pycds_hash(list, r->reloc_bytes) != r->reloc_hash) {
    return false;
  }
  for (size_t i = 0; i < r->reloc_bytes; i += 4) {
    uint32_t slot;
    intptr_t pointer;
    memcpy(&slot, list + i, sizeof slot);
    if (!holds(r, slot)) return false;
    memcpy(&pointer, objects + slot, sizeof pointer);
    pointer += a->moved;
    memcpy(objects + slot, &pointer, sizeof pointer);
  }
  return true;
}

static bool finish_module(struct archive *a, const struct found *f) {
  const struct pycds_record *r = &f->record;
  uint8_t *objects = a->arena + r->arena + r->string_bytes;
  if (pycds_hash(objects, r->object_bytes) != r->object_hash) return false;
  if (!a->has_strings[f->number] && !finish_strings(a, f->number, r, a->scratch + r->fixup_bytes)) return false;
  for (uint32_t i = 0; i < f->lists.header->block_count; i++) {
    if (!need_strings(a, f->lists.blocks[i])) return false;
  }
  return (a->moved == 0 || relocate(a, objects, f)) && finish_types(objects, f) && finish_slots(a, objects, f) &&
         finish_frozensets(objects, f) && holds(r, f->lists.header->code);
}

PyObject *archive_code(struct archive *a, const struct found *f) {
  if (a->codes[f->number]) return a->codes[f->number];
  if (!finish_module(a, f)) {
    PyErr_Clear();
    return NULL;
  }
  uint8_t *objects = a->arena + f->record.arena + f->record.string_bytes;
  a->codes[f->number] = (PyObject *)(void *)(objects + f->lists.header->code);
  return a->codes[f->number];
}
