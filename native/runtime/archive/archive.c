// SPDX-License-Identifier: Apache-2.0
// The file is read, not mapped (docs/decisions/0003): a later change of the file can never
// reach a running process, and what was checked is what runs.
#define _GNU_SOURCE
#include "archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../cpython/sys_flag.h"
#include "../../format/assert.h"
#include "../../format/elf.h"
#include "../../format/hash.h"
#include "../../learn/surroundings.h"
#include "regular.h"

/* Out of the way of programs that expect or close low numbers. */
#define DESCRIPTOR_MINIMUM 200
/* An index up to this size is read at once, of a larger one the pages that are asked for, each once. */
#define WHOLE_INDEX_BYTES ((size_t)64 * 1024)
#define PAGE_BYTES ((size_t)4096)
#define HUGE_PAGE_BYTES ((size_t)2 * 1024 * 1024)
/* Modules lie in import order, so what follows is likely to be wanted next. */
#define RECORDS_AHEAD ((size_t)16 * 1024)
#define BLOCKS_AHEAD ((size_t)128 * 1024)
/* More of them are too many to be read for a few. */
#define WHOLE_RECORDS_BYTES ((size_t)256 * 1024)

#if defined(__x86_64__)
#define OWN_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OWN_MACHINE EM_AARCH64
#else
#error "unsupported architecture"
#endif

/* ---- the file ---- */

static int open_file(const char *path, struct stat *status) {
  int fd = open_regular(path, status);
  if (fd < 0) return -1;
  int high = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, DESCRIPTOR_MINIMUM);
  if (high < 0) return fd;
  close(fd);
  return high;
}

bool archive_read(const struct archive *a, uint64_t offset, void *into, size_t bytes) {
  return pread(a->fd, into, bytes, (off_t)offset) == (ssize_t)bytes;
}

/* `bytes` bytes at `offset`, valid until the window moves; NULL when they cannot be read. Who goes
 * through the file in order gets `ahead` bytes read, as far as the file goes. */
static const uint8_t *look(const struct archive *a, struct window *w, uint64_t offset, size_t bytes, size_t ahead) {
  PYCDS_ASSERT(offset <= a->header.file_bytes && w->length <= w->capacity);
  if (offset < w->offset || offset + bytes > w->offset + w->length) {
    size_t left = (size_t)(a->header.file_bytes - offset);
    bool in_order = offset >= w->offset && offset - w->offset <= w->length + ahead;
    size_t wanted = in_order && bytes < ahead ? ahead : bytes;
    if (wanted > left) wanted = left;
    w->length = 0;
    if (wanted < bytes) return NULL;
    if (w->capacity < wanted) {
      free(w->bytes);
      w->capacity = 0;
      w->bytes = malloc(wanted);
      if (!w->bytes) return NULL;
      w->capacity = wanted;
    }
    if (!archive_read(a, offset, w->bytes, wanted)) return NULL;
    w->offset = offset;
    w->length = wanted;
  }
  return w->bytes + (offset - w->offset);
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
  for (int key = 0; key < ARCHIVE_KEYS; key++) {
    free(a->indexes[key].read);
    a->indexes[key].read = NULL;
  }
  a->records.length = a->blocks.length = 0;
  return true;
}

static bool is_ours(const struct archive *a) {
  struct stat status;
  return syscall(SYS_newfstatat, a->fd, "", &status, AT_EMPTY_PATH) == 0 && status.st_dev == a->device &&
         status.st_ino == a->inode;
}

bool archive_is_open(struct archive *a) { return is_ours(a) || reopen(a); }

bool archive_section(const struct archive *a, enum pycds_section_kind kind, struct pycds_section *out) {
  uint8_t start[sizeof(struct pycds_header) + PYCDS_MAX_SECTIONS * sizeof(struct pycds_section)];
  return archive_read(a, 0, start, a->header.header_bytes) &&
         pycds_header_check(start, a->header.header_bytes, a->header.file_bytes) == PYCDS_ACCEPTED &&
         pycds_section_find(start, kind, out);
}

/* ---- this interpreter ---- */

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
  struct pycds_identity identity = pycds_loaded_image((uintptr_t)&Py_GetVersion).identity;
  if (identity.kind != h->identity_kind || identity.length != h->identity_bytes ||
      memcmp(identity.bytes, h->identity, h->identity_bytes) != 0) {
    return PYCDS_REJECT_BUILD_MISMATCH;
  }
  if (sys_flag("optimize") != h->optimize) return PYCDS_REJECT_OPTIMIZE;
  return has_no_debug_ranges() ? PYCDS_REJECT_DEBUG_RANGES : PYCDS_ACCEPTED;
}

/* ---- opening ---- */

/* Of addresses, where they are limited: what the program has then at least. */
#define LEFT_BYTES ((int64_t)16 * 1024 * 1024)

/* One mapping for everything that grows with the archive, from a huge page's boundary on. */
static bool reserve_memory(struct archive *a) {
  size_t shared = (size_t)a->header.shared_count * sizeof *a->shared;
  size_t codes = (size_t)a->header.unit_count * sizeof *a->codes;
  size_t asked = (size_t)a->header.unit_count * sizeof *a->asked;
  size_t flags = (size_t)a->header.unit_count * sizeof *a->handed_out;
  size_t start = (shared + codes + asked + flags + PYCDS_ALIGN - 1) & ~(size_t)(PYCDS_ALIGN - 1);
  size_t bytes = start + (size_t)a->header.arena_bytes + HUGE_PAGE_BYTES;
  if (bytes < start || a->header.arena_bytes > PTRDIFF_MAX) return false;
  /* A program with little room has more use for it. */
  if (room_of_addresses() < (int64_t)bytes + LEFT_BYTES) return false;
  uint8_t *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return false;
  a->memory = memory;
  a->memory_bytes = bytes;
  memory += -(uintptr_t)memory % HUGE_PAGE_BYTES;
  a->shared = (PyObject **)(void *)memory;
  a->codes = (PyObject **)(void *)(memory + shared);
  a->asked = (uint16_t *)(void *)(memory + shared + codes);
  a->handed_out = (bool *)(void *)(memory + shared + codes + asked);
  a->arena = memory + start;
  PYCDS_ASSERT((uintptr_t)a->arena % PYCDS_ALIGN == 0 && start + a->header.arena_bytes <= bytes - HUGE_PAGE_BYTES);
  a->arena_bytes = (size_t)a->header.arena_bytes;
  return true;
}

void archive_use_huge_pages(const struct archive *a) { madvise(a->memory, a->memory_bytes, MADV_HUGEPAGE); }

static enum pycds_reject read_layout(struct archive *a, const uint8_t *start) {
  struct pycds_section section;
  pycds_section_find(start, PYCDS_SECTION_LAYOUT, &section);
  bool sound = archive_read(a, section.offset, &a->layout, sizeof a->layout) &&
               pycds_hash(&a->layout, sizeof a->layout) == section.hash && pycds_layout_check(&a->layout);
  return sound ? PYCDS_ACCEPTED : PYCDS_REJECT_HEADER_DAMAGED;
}

enum pycds_reject archive_open(struct archive *a, const char *path) {
  struct stat status;
  uint8_t start[sizeof(struct pycds_header) + PYCDS_MAX_SECTIONS * sizeof(struct pycds_section)];
  *a = (struct archive){.path = path, .fd = open_file(path, &status)};
  if (a->fd < 0) return PYCDS_REJECT_MISSING;
  a->device = status.st_dev;
  a->inode = status.st_ino;
  ssize_t available = pread(a->fd, start, sizeof start, 0);
  /* What is in it is run: nobody else may have a way to change it. */
  enum pycds_reject reject = PYCDS_REJECT_WRITABLE;
  if (status.st_mode & (S_IWGRP | S_IWOTH)) goto out;
  reject = PYCDS_REJECT_MISSING;
  if (available < 0) goto out;
  reject = pycds_header_check(start, (size_t)available, (uint64_t)status.st_size);
  if (reject) goto out;
  memcpy(&a->header, start, sizeof a->header);
  struct pycds_section section;
  pycds_section_find(start, PYCDS_SECTION_INDEX, &section);
  a->indexes[ARCHIVE_NAME].offset = section.offset;
  pycds_section_find(start, PYCDS_SECTION_PATH_INDEX, &section);
  a->indexes[ARCHIVE_PATH].offset = section.offset;
  pycds_section_find(start, PYCDS_SECTION_RECORDS, &section);
  a->records_offset = section.offset;
  reject = check_interpreter(&a->header);
  if (!reject) reject = read_layout(a, start);
  if (reject) goto out;
  reject = PYCDS_REJECT_MEMORY;
  if (!reserve_memory(a)) goto out;
  return PYCDS_ACCEPTED;
out:
  close(a->fd);
  a->fd = -1;
  PyErr_Clear();
  return reject;
}

/* ---- finding ---- */

bool archive_record(struct archive *a, uint32_t number, struct pycds_record *record) {
  PYCDS_ASSERT(number < a->header.unit_count);
  const uint8_t *bytes =
      look(a, &a->records, a->records_offset + number * sizeof *record, sizeof *record, RECORDS_AHEAD);
  if (!bytes) return false;
  memcpy(record, bytes, sizeof *record);
  return pycds_record_check(record, &a->header);
}

void archive_read_records(struct archive *a) {
  size_t bytes = a->header.unit_count * sizeof(struct pycds_record);
  if (bytes <= WHOLE_RECORDS_BYTES) look(a, &a->records, a->records_offset, bytes, 0);
}

static bool whole_index(const struct archive *a) {
  return a->header.index_slots * sizeof(struct pycds_slot) <= WHOLE_INDEX_BYTES;
}

static bool read_slot(const struct archive *a, struct index *index, uint64_t number, struct pycds_slot *slot) {
  size_t whole = a->header.index_slots * sizeof *slot, bytes = whole_index(a) ? whole : PAGE_BYTES;
  size_t offset = number * sizeof *slot, piece = offset / bytes;
  if (!index->bytes) index->bytes = malloc(whole);
  if (!index->read) index->read = calloc(whole / bytes, sizeof *index->read);
  if (!index->bytes || !index->read) return false;
  if (!index->read[piece]) {
    if (!archive_read(a, index->offset + piece * bytes, index->bytes + piece * bytes, bytes)) return false;
    index->read[piece] = true;
  }
  PYCDS_ASSERT(offset + sizeof *slot <= whole);
  memcpy(slot, index->bytes + offset, sizeof *slot);
  return true;
}

/* A damaged slot ends as a miss. */
static uint32_t find_number(struct archive *a, struct index *index, uint64_t hash) {
  uint32_t mask = a->header.index_slots - 1;
  for (uint32_t probe = 0; probe <= mask; probe++) {
    struct pycds_slot slot;
    if (!read_slot(a, index, (hash + probe) & mask, &slot) || slot.record == PYCDS_NO_RECORD) return PYCDS_NO_RECORD;
    if (slot.hash == hash && slot.check == ((uint32_t)hash ^ slot.record) && slot.record < a->header.unit_count) {
      return slot.record;
    }
  }
  return PYCDS_NO_RECORD;
}

static bool has_key(const struct pycds_unit_view *unit, enum archive_key key, const char *text, size_t length) {
  const char *own = key == ARCHIVE_PATH ? unit->origin : unit->name;
  size_t bytes = key == ARCHIVE_PATH ? unit->header->origin_bytes : unit->header->name_bytes;
  return bytes == length && memcmp(own, text, length) == 0;
}

static enum pycds_miss find_once(struct archive *a, enum archive_key key, const char *text, size_t length,
                                 struct found *out) {
  out->number = find_number(a, &a->indexes[key], pycds_hash(text, length));
  if (out->number == PYCDS_NO_RECORD) return PYCDS_MISS_NOT_ARCHIVED;
  const struct pycds_record *r = &out->record;
  if (!archive_record(a, out->number, &out->record)) return PYCDS_MISS_DAMAGED;
  const uint8_t *block = look(a, &a->blocks, r->block, (size_t)r->shared_bytes + r->unit_bytes, BLOCKS_AHEAD);
  if (!block || pycds_block_hash(block + r->shared_bytes, r->unit_bytes) != r->unit_hash ||
      !pycds_unit_split(block + r->shared_bytes, r->unit_bytes, &out->unit)) {
    return PYCDS_MISS_DAMAGED;
  }
  return has_key(&out->unit, key, text, length) ? PYCDS_SERVED : PYCDS_MISS_NOT_ARCHIVED;
}

enum pycds_miss archive_find(struct archive *a, enum archive_key key, const char *text, size_t length,
                             struct found *out) {
  /* A collection that starts while objects are made can run finalisers, which can import. */
  if (a->making) return PYCDS_MISS_NOT_ARCHIVED;
  out->archive = a;
  out->generation = ++a->generation;
  enum pycds_miss miss = find_once(a, key, text, length, out);
  if (miss == PYCDS_SERVED || (miss == PYCDS_MISS_NOT_ARCHIVED && whole_index(a))) return miss;
  if (!is_ours(a) && reopen(a)) miss = find_once(a, key, text, length, out);
  return miss;
}
