// SPDX-License-Identifier: Apache-2.0
// Two things lie where the kernel has put each process' stack, or would put it: the vdso (of older kernels), and the
// words of the command line, the environment and the auxiliary vector at the top of the stack itself. Neither can stay
// there, since the stack of a process that goes on in a snapshot may be anywhere. They move to where memory is mapped, and
// whatever points to them is made to point to their new places. Such addresses are unlike any other value: a word
// that lies in the range is a pointer.
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../maps.h"
#include "freeze.h"

/* Types of entries of the auxiliary vector are small numbers. */
#define AUXILIARY_MOST 64
#define MAX_PARTS 8

__attribute__((weak)) extern void *__libc_stack_end;

struct move {
  uint64_t start, end; /* where it was */
  uint64_t distance;   /* to where it is */
};

static const char *read_maps(void) {
  if (maps_read("/proc/self/maps", freeze.scratch->text, FREEZE_TEXT_BYTES) < 0)
    freeze_refuse("/proc/self/maps cannot be read");
  return freeze.scratch->text;
}

/* ---- pointers ---- */

/* Whether a page has been written: bits 63 present, 62 swapped out, 61 of a file. */
static bool is_dirty(uint64_t entry) { return (entry >> 62 & 3) && !(entry >> 61 & 1); }

static uint64_t adjust_page(uint64_t *words, const struct move *move, bool change) {
  uint64_t found = 0;
  for (uint64_t i = 0; i < SNAPSHOT_PAGE / sizeof *words; i++) {
    if (words[i] < move->start || words[i] >= move->end) continue;
    found++;
    if (change) words[i] += move->distance;
  }
  return found;
}

static void adjust_mapping(const struct mapping *mapping, const struct move *move, int pagemap) {
  bool is_writable = mapping->protection & PROT_WRITE;
  uint64_t own = (uint64_t)(uintptr_t)freeze.stack;
  for (uint64_t page = mapping->start; page < mapping->end; page += SNAPSHOT_PAGE) {
    uint64_t entry = 0;
    /* What runs this. */
    if (page >= own && page < own + FREEZE_STACK_BYTES) continue;
    if (pread(pagemap, &entry, sizeof entry, (off_t)(page / SNAPSHOT_PAGE * sizeof entry)) != sizeof entry)
      freeze_refuse("/proc/self/pagemap cannot be read");
    uint64_t *words = (uint64_t *)(uintptr_t)page;
    if (!is_dirty(entry) || !adjust_page(words, move, false)) continue;
    /* What the loader has made read-only when it was done. */
    if (!is_writable && mprotect(words, SNAPSHOT_PAGE, PROT_READ | PROT_WRITE) != 0)
      freeze_refuse("a page stays read-only");
    adjust_page(words, move, true);
    if (!is_writable) mprotect(words, SNAPSHOT_PAGE, mapping->protection);
  }
}

static bool is_kernels(const struct mapping *mapping) { return mapping->name[0] == '[' && !maps_is(mapping, "[heap]"); }

static void adjust_all(const struct move *move) {
  int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (pagemap < 0) freeze_refuse("/proc/self/pagemap cannot be read");
  struct mapping mapping;
  for (const char *line = read_maps(); *line;) {
    line = maps_line(line, &mapping);
    if (!line) freeze_refuse("/proc/self/maps cannot be understood");
    bool is_scratch = mapping.start == FREEZE_SCRATCH;
    if (is_scratch || is_kernels(&mapping) || mapping.shared || !(mapping.protection & PROT_READ)) continue;
    adjust_mapping(&mapping, move, pagemap);
  }
  close(pagemap);
}

/* ---- the top of the stack ---- */

/* Found by an entry of it that is like nothing else. Who takes variables away makes the list of them shorter, so that it
 * does not lead there. */
static uint64_t *find_auxiliary(uint64_t *block, uint64_t words) {
  uint64_t random = getauxval(AT_RANDOM);
  for (uint64_t i = 0; i + 1 < words; i++) {
    if (block[i] != AT_RANDOM || block[i + 1] != random) continue;
    while (i >= 2 && block[i - 2] > AT_NULL && block[i - 2] <= AUXILIARY_MOST) i -= 2;
    return block + i;
  }
  freeze_refuse("its auxiliary vector cannot be found");
}

static uint64_t end_of_stack(uint64_t address) {
  struct mapping mapping;
  for (const char *line = read_maps(); line && *line;) {
    line = maps_line(line, &mapping);
    if (line && maps_is(&mapping, "[stack]") && address >= mapping.start && address < mapping.end) return mapping.end;
  }
  freeze_refuse("its stack cannot be found");
}

void relocate_stack(void) {
  if (!&__libc_stack_end) freeze_refuse("its C library is not glibc");
  uint64_t start = (uint64_t)(uintptr_t)__libc_stack_end / SNAPSHOT_PAGE * SNAPSHOT_PAGE;
  uint64_t end = end_of_stack(start);
  char *copy = mmap(NULL, end - start, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (copy == MAP_FAILED) freeze_refuse("no memory");
  memcpy(copy, (void *)(uintptr_t)start, end - start);
  freeze.auxiliary = find_auxiliary((uint64_t *)copy, (end - start) / sizeof(uint64_t));
  struct move move = {start, end, (uint64_t)(uintptr_t)copy - start};
  adjust_all(&move);
}

/* ---- the vdso ---- */

static bool is_vdso(const struct mapping *mapping) {
  return maps_is(mapping, "[vdso]") || maps_is(mapping, "[vvar]") || maps_is(mapping, "[vvar_vclock]");
}

static int find_vdso(struct mapping *parts) {
  int count = 0;
  struct mapping mapping;
  for (const char *line = read_maps(); line && *line;) {
    line = maps_line(line, &mapping);
    if (!line || !is_vdso(&mapping)) continue;
    bool is_next = count == 0 || parts[count - 1].end == mapping.start;
    if (count == MAX_PARTS || !is_next) freeze_refuse("the parts of its vdso are apart");
    parts[count++] = mapping;
  }
  return count;
}

void relocate_vdso(void) {
  struct mapping parts[MAX_PARTS];
  int count = find_vdso(parts);
  if (count == 0) return;
  struct move move = {parts[0].start, parts[count - 1].end, 0};
  char *place = mmap(NULL, move.end - move.start, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (place == MAP_FAILED) freeze_refuse("no memory");
  move.distance = (uint64_t)(uintptr_t)place - move.start;
  for (int i = 0; i < count; i++) {
    uint64_t bytes = parts[i].end - parts[i].start;
    void *moved = mremap((void *)(uintptr_t)parts[i].start, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
                         (void *)(uintptr_t)(parts[i].start + move.distance));
    if (moved == MAP_FAILED) freeze_refuse("its vdso cannot be moved");
  }
  adjust_all(&move);
  /* A pointer that was not found would show here, and not in a process that goes on. */
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
}
