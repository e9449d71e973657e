// SPDX-License-Identifier: Apache-2.0
#include "locate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../format/places.h"

#define MAX_PATH_BYTES 4096

const char *snapshot_locate(const char *archive, bool ignores_paths) {
  static char beside[MAX_PATH_BYTES];
  const char *value = getenv("PYCDS_SNAPSHOT");
  if (value && strcmp(value, "off") == 0) return value;
  /* Anything else is no place: the arguments of a build reach the commands of its steps. */
  if (value && *value == '/' && !ignores_paths) return value;
  const char *end = strrchr(archive, '/');
  if (!end || (size_t)(end - archive) + sizeof "/" PYCDS_SNAPSHOT_NAME > sizeof beside) return NULL;
  snprintf(beside, sizeof beside, "%.*s/%s", (int)(end - archive), archive, PYCDS_SNAPSHOT_NAME);
  return access(beside, F_OK) == 0 ? beside : NULL;
}
