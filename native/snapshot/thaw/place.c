// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../status.h"
#include "../vdso.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 8
#endif
#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

/* The stack must be able to grow as far as its limit says, and what the kernel keeps free below it. Where there is no
 * limit, this far. */
#define STACK_MOST (UINT64_C(256) << 20)
#define STACK_GAP (UINT64_C(1) << 20)

int place_flags(const struct snapshot_region *region) {
  int flags = MAP_FIXED_NOREPLACE;
  if (region->kind == SNAPSHOT_SHARED) return flags | MAP_SHARED;
  if (region->kind == SNAPSHOT_DROPPABLE) return flags | MAP_DROPPABLE | MAP_ANONYMOUS;
  flags |= MAP_PRIVATE;
  if (region->kind == SNAPSHOT_ZERO) flags |= MAP_ANONYMOUS | (region->protection ? 0 : MAP_NORESERVE);
  return flags;
}

/* ---- the files ---- */

/* Opened and compared by the same descriptor that is mapped. -1: another file; -2: no descriptor left. */
static int open_file(struct placement *placement, const struct snapshot *snapshot, uint32_t number) {
  const struct snapshot_file *file = &snapshot->files[number];
  int fd = open(snapshot->strings + file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return errno == EMFILE || errno == ENFILE ? -2 : -1;
  struct stat now;
  if (status_of_descriptor(fd, &now) && S_ISREG(now.st_mode) && (uint64_t)now.st_size == file->bytes &&
      now.st_mtim.tv_sec == file->mtime) {
    placement->identities[number].device = now.st_dev;
    placement->identities[number].inode = now.st_ino;
    return fd;
  }
  close(fd);
  return -1;
}

/* All of them, also those that no region maps: the program itself may be one. */
static enum snapshot_reject open_files(struct placement *placement, const struct snapshot *snapshot) {
  for (uint32_t i = 0; i < snapshot->header->files.count; i++) {
    int fd = open_file(placement, snapshot, i);
    if (fd < 0) return fd == -2 ? SNAPSHOT_REJECT_MEMORY : SNAPSHOT_REJECT_FILE_CHANGED;
    placement->files[i] = fd;
    placement->file_count = i + 1;
  }
  return SNAPSHOT_ACCEPTED;
}

/* ---- the regions ---- */

static bool overlaps(uint64_t start, uint64_t end, struct handover_range range) {
  return range.start < end && start < range.end;
}

static uint64_t stack_room(uint64_t limit) { return (limit < STACK_MOST ? limit : STACK_MOST) + STACK_GAP; }

/* Whether a place can be had at all: the stack, which is kept, is not in the way. */
static bool can_be_free(uint64_t start, uint64_t bytes, const struct process *process, uint64_t room) {
  struct handover_range stack = process->stack;
  stack.start = stack.end > room ? stack.end - room : 0;
  if (process->stack.start < stack.start) stack.start = process->stack.start;
  return !overlaps(start, start + bytes, stack);
}

static bool has_vdso(uint64_t start, uint64_t bytes, const struct process *process) {
  return overlaps(start, start + bytes, process->vdso) || overlaps(start, start + bytes, process->vvar);
}

static bool advise(const struct snapshot_region *region) {
  void *at = (void *)(uintptr_t)region->address;
  size_t bytes = region->bytes;
  if ((region->advice & SNAPSHOT_WIPE_ON_FORK) && madvise(at, bytes, MADV_WIPEONFORK) != 0) return false;
  if (region->advice & SNAPSHOT_DONT_FORK) madvise(at, bytes, MADV_DONTFORK);
  if (region->advice & SNAPSHOT_DONT_DUMP) madvise(at, bytes, MADV_DONTDUMP);
  if (region->advice & SNAPSHOT_HUGE_PAGES) madvise(at, bytes, MADV_HUGEPAGE);
  if (region->advice & SNAPSHOT_NO_HUGE_PAGES) madvise(at, bytes, MADV_NOHUGEPAGE);
  if (region->advice & SNAPSHOT_ONE_BY_ONE) madvise(at, bytes, MADV_RANDOM);
  return true;
}

enum placed { PLACED, TAKEN, FAILED };

static bool is_used(const struct placement *placement, const struct process_part *part) {
  for (uint32_t i = 0; i < placement->kept_count; i++) {
    if (placement->kept[i].from == part->start) return true;
  }
  return false;
}

/* Entries of /proc/self/pagemap that are read at once. */
#define WORDS 512

/* Bits of an entry: 63 present, 62 swapped out, 61 of a file. */
static bool is_changed(uint64_t entry) { return (entry >> 62 & 3) && !(entry >> 61 & 1); }

/* Whether nobody has written to it, as the dynamic loader does before it makes a part read-only. */
static bool is_as_in_file(int pagemap, const struct process_part *part) {
  uint64_t words[WORDS], first = part->start / SNAPSHOT_PAGE, pages = part->bytes / SNAPSHOT_PAGE;
  for (uint64_t done = 0; done < pages; done += WORDS) {
    uint64_t count = pages - done < WORDS ? pages - done : WORDS;
    ssize_t bytes = (ssize_t)(count * sizeof *words);
    if (pread(pagemap, words, (size_t)bytes, (off_t)((first + done) * sizeof *words)) != bytes) return false;
    for (uint64_t i = 0; i < count; i++) {
      if (is_changed(words[i])) return false;
    }
  }
  return true;
}

/* Where the process has the same part of the same file, with all pages that it has looked at: these need not be asked for
 * again. NULL: nowhere. */
static const struct process_part *find_kept(const struct placement *placement, const struct snapshot_region *region,
                                            const struct process *process) {
  if (region->kind != SNAPSHOT_FILE || region->advice) return NULL;
  for (int i = 0; i < process->kept_count; i++) {
    const struct process_part *part = &process->kept[i];
    if (part->bytes == region->bytes && part->offset == region->offset && part->protection == region->protection &&
        part->device == placement->identities[region->file].device &&
        part->inode == placement->identities[region->file].inode && !is_used(placement, part))
      return is_as_in_file(placement->pagemap, part) ? part : NULL;
  }
  return NULL;
}

static void add_kept(struct placement *placement, const struct process_part *part, uint32_t number) {
  placement->kept[placement->kept_count].from = part->start;
  placement->kept[placement->kept_count++].number = number;
}

static void *reserve(const struct snapshot_region *region) {
  return mmap((void *)(uintptr_t)region->address, region->bytes, PROT_NONE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
}

static enum placed map_region(const struct placement *placement, const struct snapshot_region *region,
                              const struct process_part *kept) {
  int fd = -1;
  if (region->kind == SNAPSHOT_DATA) fd = placement->fd;
  if (region->kind == SNAPSHOT_FILE || region->kind == SNAPSHOT_SHARED) fd = placement->files[region->file];
  void *wanted = (void *)(uintptr_t)region->address;
  void *at = kept ? reserve(region)
                  : mmap(wanted, region->bytes, region->protection, place_flags(region), fd, (off_t)region->offset);
  if (at == MAP_FAILED) return errno == EEXIST ? TAKEN : FAILED;
  if (at == wanted) return PLACED;
  /* A kernel before 4.17 has taken the address for a wish. */
  munmap(at, region->bytes);
  return TAKEN;
}

static enum snapshot_reject place_region(struct placement *placement, const struct snapshot *snapshot, uint32_t number,
                                         const struct process *process, uint64_t room) {
  const struct snapshot_region *region = &snapshot->regions[number];
  if (!can_be_free(region->address, region->bytes, process, room)) return SNAPSHOT_REJECT_ADDRESS_TAKEN;
  const struct process_part *kept = find_kept(placement, region, process);
  if (kept && kept->start == region->address) {
    add_kept(placement, kept, number);
    return SNAPSHOT_ACCEPTED;
  }
  switch (map_region(placement, region, kept)) {
    case TAKEN:
      placement->late[placement->late_count++] = number;
      placement->vdso_in_way |= has_vdso(region->address, region->bytes, process);
      return SNAPSHOT_ACCEPTED;
    case FAILED: return SNAPSHOT_REJECT_MEMORY;
    default: break;
  }
  placement->mapped[placement->mapped_count++] = number;
  if (kept) add_kept(placement, kept, number);
  return advise(region) ? SNAPSHOT_ACCEPTED : SNAPSHOT_REJECT_DENIED;
}

enum snapshot_reject place_regions(struct placement *placement, const struct snapshot *snapshot,
                                   const struct process *process, uint64_t stack_limit) {
  uint64_t room = stack_room(stack_limit);
  const struct snapshot_context *context = &snapshot->header->context;
  placement->mapped_count = placement->late_count = placement->file_count = placement->kept_count = 0;
  placement->patched = placement->vdso_in_way = false;
  enum snapshot_reject reject = open_files(placement, snapshot);
  placement->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  for (uint32_t i = 0; !reject && i < snapshot->header->regions.count; i++)
    reject = place_region(placement, snapshot, i, process, room);
  if (placement->pagemap >= 0) close(placement->pagemap);
  uint64_t vdso = context->vdso - context->vvar_bytes, vdso_bytes = context->vvar_bytes + context->vdso_bytes;
  if (!reject && !can_be_free(vdso, vdso_bytes, process, room)) reject = SNAPSHOT_REJECT_ADDRESS_TAKEN;
  placement->vdso_in_way |= has_vdso(vdso, vdso_bytes, process);
  if (reject) place_undo(placement, snapshot);
  return reject;
}

/* ---- the vdso ---- */

static const char *setting(void) {
  const char *value = getenv("PYCDS_SNAPSHOT_VDSO");
  return value ? value : "";
}

/* A sealed mapping can neither be moved nor unmapped; this call changes nothing elsewhere. */
static bool is_sealed(struct handover_range range) {
  return mprotect((void *)(uintptr_t)range.start, range.end - range.start, PROT_READ | PROT_EXEC) != 0;
}

static bool can_be_moved(const struct snapshot *snapshot, const struct process *process) {
  const struct snapshot_context *context = &snapshot->header->context;
  if (process->vdso.end - process->vdso.start != context->vdso_bytes) return false;
  if (process->vvar.end - process->vvar.start != context->vvar_bytes) return false;
  if (memcmp((void *)(uintptr_t)process->vdso.start, snapshot->vdso, context->vdso_bytes) != 0) return false;
  return !*setting() && !is_sealed(process->vdso);
}

/* Lets each function of the frozen image go on in the present one, or in the kernel. */
static bool patch(uint8_t *image, const struct snapshot *snapshot, const struct process *process) {
  struct vdso_symbol symbols[SNAPSHOT_MAX_SYMBOLS];
  bool calls = strcmp(setting(), "call") == 0;
  int count = vdso_symbols((const uint8_t *)(uintptr_t)process->vdso.start, process->vdso.end - process->vdso.start,
                           symbols, SNAPSHOT_MAX_SYMBOLS);
  if (count < 0) return false;
  for (uint32_t i = 0; i < snapshot->header->symbols.count; i++) {
    const char *name = snapshot->strings + snapshot->symbols[i].name;
    uint8_t *code = image + snapshot->symbols[i].offset;
    int same = 0;
    while (same < count && strcmp(symbols[same].name, name) != 0) same++;
    if (same < count && !calls)
      vdso_jump(code, process->vdso.start + symbols[same].offset);
    else if (!vdso_call(code, name))
      return false;
  }
  return true;
}

enum snapshot_reject place_vdso(struct placement *placement, const struct snapshot *snapshot,
                                const struct process *process) {
  const struct snapshot_context *context = &snapshot->header->context;
  if (can_be_moved(snapshot, process)) return SNAPSHOT_ACCEPTED;
  if (placement->vdso_in_way) return SNAPSHOT_REJECT_ADDRESS_TAKEN;
  void *wanted = (void *)(uintptr_t)context->vdso;
  size_t bytes = context->vdso_bytes;
  uint8_t *image =
      mmap(wanted, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (image == MAP_FAILED) return errno == EEXIST ? SNAPSHOT_REJECT_ADDRESS_TAKEN : SNAPSHOT_REJECT_MEMORY;
  bool good = image == wanted;
  if (good) memcpy(image, snapshot->vdso, bytes);
  /* Never writable and executable at once. */
  good = good && patch(image, snapshot, process) && mprotect(image, bytes, PROT_READ | PROT_EXEC) == 0;
  if (good)
    placement->patched = true;
  else
    munmap(image, bytes);
  return good ? SNAPSHOT_ACCEPTED : SNAPSHOT_REJECT_VDSO;
}

void place_undo(struct placement *placement, const struct snapshot *snapshot) {
  for (uint32_t i = 0; i < placement->mapped_count; i++) {
    const struct snapshot_region *region = &snapshot->regions[placement->mapped[i]];
    munmap((void *)(uintptr_t)region->address, region->bytes);
  }
  for (uint32_t i = 0; i < placement->file_count; i++) close(placement->files[i]);
  if (placement->patched)
    munmap((void *)(uintptr_t)snapshot->header->context.vdso, snapshot->header->context.vdso_bytes);
  placement->mapped_count = placement->late_count = placement->file_count = 0;
  placement->patched = false;
}
