// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "find.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../status.h"

static bool is_program(const char *path) {
  struct stat status;
  return status_of_path(path, &status) && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

bool find_program(const char *word, char path[PATH_MAX]) {
  if (strchr(word, '/')) return *word == '/' && snprintf(path, PATH_MAX, "%s", word) < PATH_MAX && is_program(path);
  const char *entry = getenv("PATH");
  while (entry && *entry == '/' && *word) {
    int length = (int)strcspn(entry, ":");
    if (snprintf(path, PATH_MAX, "%.*s/%s", length, entry, word) < PATH_MAX && is_program(path)) return true;
    entry += length + (entry[length] == ':');
  }
  return false;
}
