// SPDX-License-Identifier: Apache-2.0
// The kernel's stack is each process' own and is not frozen. What the kernel put at its top is still in use, though: the
// words of the command line, the environment, the auxiliary vector. It is copied, and whatever points to it is
// made to point to the copy. Its addresses are unlike any other value: a word that lies in that range is a pointer.
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../maps.h"
#include "freeze.h"

__attribute__((weak)) extern void *__libc_stack_end;

/* Types of entries are small numbers. */
#define AUXILIARY_MOST 64

struct move {
  uint64_t start, end; /* of the block */
  uint64_t distance;   /* to its copy */
};

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

static bool find_stack(const char *text, struct mapping *stack) {
  for (const char *line = text; line && *line;) {
    line = maps_line(line, stack);
    if (line && maps_is(stack, "[stack]")) return true;
  }
  return false;
}

static bool is_kernels(const struct mapping *mapping) { return mapping->name[0] == '[' && !maps_is(mapping, "[heap]"); }

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

void stack_take_along(void) {
  char *text = freeze.scratch->text;
  struct mapping stack, mapping;
  if (!&__libc_stack_end || maps_read("/proc/self/maps", text, FREEZE_TEXT_BYTES) < 0 || !find_stack(text, &stack))
    freeze_refuse("its stack cannot be found");
  uint64_t start = (uint64_t)(uintptr_t)__libc_stack_end / SNAPSHOT_PAGE * SNAPSHOT_PAGE;
  if (start < stack.start || start >= stack.end) freeze_refuse("its stack cannot be found");
  uint64_t bytes = stack.end - start;
  char *copy = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (copy == MAP_FAILED) freeze_refuse("no memory");
  memcpy(copy, (void *)(uintptr_t)start, bytes);
  freeze.block = (uint64_t)(uintptr_t)copy;
  freeze.auxiliary = find_auxiliary((uint64_t *)copy, bytes / sizeof(uint64_t));
  struct move move = {start, stack.end, freeze.block - start};
  int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (pagemap < 0 || maps_read("/proc/self/maps", text, FREEZE_TEXT_BYTES) < 0)
    freeze_refuse("/proc/self cannot be read");
  for (const char *line = text; line && *line;) {
    line = maps_line(line, &mapping);
    if (!line) freeze_refuse("/proc/self/maps cannot be understood");
    bool is_scratch = mapping.start == FREEZE_SCRATCH;
    if (is_scratch || is_kernels(&mapping) || mapping.shared || !(mapping.protection & PROT_READ)) continue;
    adjust_mapping(&mapping, &move, pagemap);
  }
  close(pagemap);
}
