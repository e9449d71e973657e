// SPDX-License-Identifier: Apache-2.0
// In a template that is watched elsewhere the files of a directory come in another order, as they may on another file system:
// what an import has left may depend on which there are, and not on their order.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "watch.h"

#define SHOWN __attribute__((visibility("default")))

/* One structure under two names, on machines of 64 bits. */
SHOWN struct dirent *reversed_readdir(DIR *) __asm__("readdir");
SHOWN struct dirent *reversed_readdir64(DIR *) __asm__("readdir64");
SHOWN void reversed_rewinddir(DIR *) __asm__("rewinddir");
SHOWN int reversed_closedir(DIR *) __asm__("closedir");

struct one {
  struct dirent entry; /* the first: it is what is handed out */
  struct one *next;
};

/* That is being read; what has been handed out stays for as long as it does. */
static struct open {
  DIR *directory;
  struct one *first, *rest;
  struct open *next;
} * all;

static struct open **place_of(DIR *directory) {
  struct open **place = &all;
  while (*place && (*place)->directory != directory) place = &(*place)->next;
  return place;
}

static void forget(DIR *directory) {
  struct open **place = place_of(directory), *gone = *place;
  if (!gone) return;
  *place = gone->next;
  for (struct one *one = gone->first, *next; one; one = next) {
    next = one->next;
    free(one);
  }
  free(gone);
}

static struct open *read_all(DIR *directory, struct dirent *(*stock)(DIR *)) {
  struct open *open = calloc(1, sizeof *open);
  if (!open) return NULL;
  for (struct dirent *entry; (entry = stock(directory));) {
    struct one *one = calloc(1, sizeof *one);
    if (!one) abort();
    memcpy(&one->entry, entry, entry->d_reclen);
    one->next = open->first;
    open->first = one;
  }
  *open = (struct open){directory, open->first, open->first, all};
  return all = open;
}

static struct dirent *next_entry(DIR *directory) {
  static struct dirent *(*stock)(DIR *);
  if (!stock) stock = (struct dirent * (*)(DIR *)) dlsym(RTLD_NEXT, "readdir");
  if (!watch_is_elsewhere()) return stock(directory);
  struct open *open = *place_of(directory);
  if (!open) open = read_all(directory, stock);
  if (!open || !open->rest) return NULL;
  struct one *one = open->rest;
  open->rest = one->next;
  return &one->entry;
}

struct dirent *reversed_readdir(DIR *directory) {
  return next_entry(directory);
}

struct dirent *reversed_readdir64(DIR *directory) {
  return next_entry(directory);
}

void reversed_rewinddir(DIR *directory) {
  void (*stock)(DIR *) = (void (*)(DIR *))dlsym(RTLD_NEXT, "rewinddir");
  forget(directory);
  stock(directory);
}

int reversed_closedir(DIR *directory) {
  int (*stock)(DIR *) = (int (*)(DIR *))dlsym(RTLD_NEXT, "closedir");
  forget(directory);
  return stock(directory);
}
