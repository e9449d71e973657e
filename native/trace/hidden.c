// SPDX-License-Identifier: Apache-2.0
// In front of the C library's functions that list a directory: without the hook of an earlier bake. `site` would read
// it, and with it the codec of the locale, which an image without a hook need not import.
#define _GNU_SOURCE
#include "hidden.h"

#include <dirent.h>
#include <stdbool.h>
#include <string.h>

#include "../format/places.h"
#include "next_symbol.h"

#define SHOWN __attribute__((visibility("default")))

/* One structure under two names, on machines of 64 bits. */
SHOWN struct dirent *watched_readdir(DIR *) __asm__("readdir");
SHOWN struct dirent *watched_readdir64(DIR *) __asm__("readdir64");

typedef struct dirent *(*readdir_function)(DIR *);

static bool is_hiding;

void hidden_begin(void) { is_hiding = true; }

static struct dirent *next_entry(readdir_function stock, DIR *directory) {
  struct dirent *entry;
  do entry = stock(directory);
  while (entry && is_hiding && strcmp(entry->d_name, PYCDS_HOOK_NAME) == 0);
  return entry;
}

static readdir_function stock_readdir(void) {
  static readdir_function found;
  if (!found) found = (readdir_function)next_symbol("readdir");
  return found;
}

struct dirent *watched_readdir(DIR *directory) {
  return next_entry(stock_readdir(), directory);
}

struct dirent *watched_readdir64(DIR *directory) {
  return next_entry(stock_readdir(), directory);
}
