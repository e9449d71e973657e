// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "contents.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../format/hash.h"
#include "digest.h"
#include "status.h"

#define MAX_BYTES (UINT64_C(16) << 20)
#define MAX_NAMES 512

struct contents {
  const char *bytes; /* NULL: of an empty file */
  uint64_t length;
};

static bool open_contents(const char *path, struct contents *contents) {
  struct stat status;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return false;
  bool good = status_of_descriptor(fd, &status) && S_ISREG(status.st_mode) && (uint64_t)status.st_size <= MAX_BYTES;
  *contents = (struct contents){NULL, good ? (uint64_t)status.st_size : 0};
  if (contents->length > 0) {
    void *bytes = mmap(NULL, contents->length, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    good = bytes != MAP_FAILED;
    contents->bytes = good ? bytes : NULL;
  }
  close(fd);
  return good;
}

static void close_contents(const struct contents *contents) {
  if (contents->bytes) munmap((void *)(uintptr_t)contents->bytes, contents->length);
}

bool contents_digest(const char *path, uint64_t *digest) {
  struct contents contents;
  if (!open_contents(path, &contents)) return false;
  *digest = pycds_hash(contents.bytes, contents.length);
  close_contents(&contents);
  return true;
}

/* ---- the cache of the dynamic loader: sysdeps/generic/dl-cache.h of glibc ---- */

/* Before it there may be a table of an older form. */
static const char magic[] = "glibc-ld.so.cache1.1";

struct cache {
  char magic[20];
  uint32_t count;
  uint32_t strings_bytes;
  uint32_t reserved[5];
};

/* Key and value are offsets of texts, from the start of the struct above. */
struct cache_entry {
  int32_t flags;
  uint32_t key, value;
  uint32_t version;
  uint64_t capabilities;
};

static size_t hash_names(const char *names, uint64_t *hashes) {
  size_t count = 0;
  for (const char *end; count < MAX_NAMES && (end = strchr(names, '\n')); names = end + 1)
    hashes[count++] = pycds_hash(names, (size_t)(end - names));
  return count;
}

static bool has_hash(const uint64_t *hashes, size_t count, uint64_t hash) {
  for (size_t i = 0; i < count; i++)
    if (hashes[i] == hash) return true;
  return false;
}

static uint64_t hash_text(const char *text) { return pycds_hash(text, strlen(text)); }

/* In its order, which the loader goes by. */
static bool digest_entries(const struct contents *file, const char *names, uint64_t *digest) {
  static uint64_t hashes[MAX_NAMES];
  const char *start = memmem(file->bytes, file->length, magic, sizeof magic - 1);
  if (!start || file->bytes[file->length - 1] != 0) return false;
  uint64_t length = file->length - (uint64_t)(start - file->bytes);
  struct cache cache;
  if (length < sizeof cache) return false;
  memcpy(&cache, start, sizeof cache);
  if (cache.count > (length - sizeof cache) / sizeof(struct cache_entry)) return false;
  size_t known = hash_names(names, hashes);
  *digest = 0;
  for (uint32_t i = 0; i < cache.count; i++) {
    struct cache_entry entry;
    memcpy(&entry, start + sizeof cache + i * sizeof entry, sizeof entry);
    if (entry.key >= length || entry.value >= length) return false;
    uint64_t key = hash_text(start + entry.key);
    if (!has_hash(hashes, known, key)) continue;
    uint64_t all[] = {key, hash_text(start + entry.value), (uint64_t)(uint32_t)entry.flags, entry.capabilities};
    *digest = digest_mix(*digest, all, sizeof all);
  }
  return true;
}

bool contents_loader_digest(const char *path, const char *names, uint64_t *digest) {
  struct contents contents;
  if (!open_contents(path, &contents)) return false;
  bool known = contents.length > 0 && digest_entries(&contents, names, digest);
  if (!known) *digest = pycds_hash(contents.bytes, contents.length);
  close_contents(&contents);
  return true;
}
