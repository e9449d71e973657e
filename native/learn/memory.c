// SPDX-License-Identifier: Apache-2.0
// What the archiver and the compiler use of a C library. Small pieces are never given back: the helper lives for
// seconds, and the archiver keeps nearly all that it asks for until its end.
#define _GNU_SOURCE
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../static/sys/memory.h"
#include "../static/sys/syscalls.h"

#define LARGE_BYTES ((size_t)64 * 1024)
#define CHUNK_BYTES ((size_t)1024 * 1024)
/* Of all that is asked for: far more than any application needs. */
#define MAX_BYTES ((size_t)512 * 1024 * 1024)
#define PAGE_BYTES ((size_t)4096)

/* In front of each piece, which is then aligned as malloc's are. */
struct head {
  size_t bytes;  /* that may be used */
  size_t mapped; /* of a large piece: all of it, with this head */
};
_Static_assert(sizeof(struct head) == 16, "alignment");

static struct {
  uint8_t *at;
  size_t left, all;
} memory;

static void *map(size_t bytes) {
  if (bytes > MAX_BYTES - memory.all) return NULL;
  long at = call6(SYS_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at < 0 && at > -4096) return NULL;
  memory.all += bytes;
  return (void *)at;
}

void *malloc(size_t bytes) {
  if (bytes > MAX_BYTES) return NULL;
  if (bytes >= LARGE_BYTES) {
    size_t mapped = (bytes + sizeof(struct head) + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
    struct head *head = map(mapped);
    if (!head) return NULL;
    *head = (struct head){mapped - sizeof *head, mapped};
    return head + 1;
  }
  size_t all = (bytes + 2 * sizeof(struct head) - 1) & ~(sizeof(struct head) - 1);
  if (all > memory.left) {
    uint8_t *chunk = map(CHUNK_BYTES);
    if (!chunk) return NULL;
    memory.at = chunk;
    memory.left = CHUNK_BYTES;
  }
  struct head *head = (void *)memory.at;
  memory.at += all;
  memory.left -= all;
  *head = (struct head){all - sizeof *head, 0};
  return head + 1;
}

/* All memory is fresh from the kernel. */
void *calloc(size_t count, size_t bytes) {
  if (bytes && count > MAX_BYTES / bytes) return NULL;
  return malloc(count * bytes);
}

void free(void *at) {
  struct head *head = (struct head *)at - 1;
  if (!at || !head->mapped) return;
  memory.all -= head->mapped;
  CALL2(munmap, head, head->mapped);
}

void *realloc(void *at, size_t bytes) {
  struct head *head = (struct head *)at - 1;
  if (at && head->bytes >= bytes) return at;
  void *moved = malloc(bytes);
  if (!moved || !at) return moved;
  memcpy(moved, at, head->bytes);
  free(at);
  return moved;
}

int memcmp(const void *a, const void *b, size_t bytes) {
  const uint8_t *x = a, *y = b;
  for (size_t i = 0; i < bytes; i++) {
    if (x[i] != y[i]) return x[i] < y[i] ? -1 : 1;
  }
  return 0;
}

void *memmove(void *to, const void *from, size_t bytes) {
  uint8_t *x = to;
  const uint8_t *y = from;
  if (x < y)
    for (size_t i = 0; i < bytes; i++) x[i] = y[i];
  else
    for (size_t i = bytes; i > 0; i--) x[i - 1] = y[i - 1];
  return to;
}

size_t strlen(const char *text) {
  size_t length = 0;
  while (text[length]) length++;
  return length;
}

static void swap(uint8_t *a, uint8_t *b, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) {
    uint8_t kept = a[i];
    a[i] = b[i];
    b[i] = kept;
  }
}

/* A heap sort: no recursion, and no order of the input makes it slow. What compares equal is equal in every byte. */
void qsort(void *items, size_t count, size_t bytes, int (*compare)(const void *, const void *)) {
  uint8_t *base = items;
  for (size_t start = count / 2, end = count; end > 1;) {
    if (start > 0)
      start--;
    else
      swap(base, base + --end * bytes, bytes);
    for (size_t at = start, child; (child = 2 * at + 1) < end; at = child) {
      if (child + 1 < end && compare(base + child * bytes, base + (child + 1) * bytes) < 0) child++;
      if (compare(base + at * bytes, base + child * bytes) >= 0) break;
      swap(base + at * bytes, base + child * bytes, bytes);
    }
  }
}
