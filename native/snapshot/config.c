// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <stddef.h>
#include <string.h>

#include "digest.h"
#include "interpreter.h"

__attribute__((weak)) void *_Py_GetConfig(void);

enum kind { INT, ULONG, TEXT, LIST };
enum use { SAME, OWN, STREAMS, UNSET };

static const struct {
  uint8_t kind, first, last, use;
} members[CONFIG_COUNT] = {
#define MEMBER(kind, name, first, last, use) {kind, first, last, use},
#include "config.def"
#undef MEMBER
};

static const struct {
  uint8_t bytes, align;
} kinds[] = {[INT] = {4, 4}, [ULONG] = {8, 8}, [TEXT] = {8, 8}, [LIST] = {16, 8}};

static int minor_version(void) { return &Py_Version ? (int)(Py_Version >> 16 & 0xff) : 0; }

static bool has(int member) {
  int minor = minor_version();
  return members[member].first <= minor && minor <= members[member].last;
}

void *config_current(void) {
  /* The first member is in all versions that are known. */
  return has(0) && _Py_GetConfig ? _Py_GetConfig() : NULL;
}

static size_t place(size_t offset, int member) {
  size_t align = kinds[members[member].kind].align;
  return (offset + align - 1) / align * align;
}

void *config_member(void *config, enum config_member wanted) {
  size_t offset = 0;
  for (int i = 0; i < CONFIG_COUNT; i++) {
    if (!has(i)) continue;
    offset = place(offset, i);
    if (i == (int)wanted) return (char *)config + offset;
    offset += kinds[members[i].kind].bytes;
  }
  return NULL;
}

const char *config_unfit(void *config) {
  static const char *const names[] = {
#define MEMBER(kind, name, first, last, use) #name,
#include "config.def"
#undef MEMBER
  };
  for (int i = 0; i < CONFIG_COUNT; i++) {
    const int *value = members[i].use == UNSET ? config_member(config, (enum config_member)i) : NULL;
    if (value && *value) return names[i];
  }
  return NULL;
}

bool config_is_buffered(void *config) {
  const int *buffered = config_member(config, CONFIG_buffered_stdio);
  return !buffered || *buffered;
}

static uint64_t mix_text(uint64_t digest, const wchar_t *text) {
  /* No text is another thing than an empty one. */
  return text ? digest_mix(digest, text, (wcslen(text) + 1) * sizeof *text) : digest_mix(digest, "", 0);
}

uint64_t config_digest(void *config) {
  uint64_t digest = 0;
  size_t offset = 0;
  for (int i = 0; i < CONFIG_COUNT; i++) {
    if (!has(i)) continue;
    offset = place(offset, i);
    const void *at = (const char *)config + offset;
    offset += kinds[members[i].kind].bytes;
    if (members[i].use == OWN || members[i].use == STREAMS) continue;
    if (members[i].kind == TEXT) {
      digest = mix_text(digest, *(wchar_t *const *)at);
    } else if (members[i].kind == LIST) {
      const struct config_list *list = at;
      digest = digest_mix(digest, &list->count, sizeof list->count);
      for (intptr_t n = 0; n < list->count; n++) digest = mix_text(digest, list->items[n]);
    } else {
      digest = digest_mix(digest, at, kinds[members[i].kind].bytes);
    }
  }
  return digest;
}
