// SPDX-License-Identifier: Apache-2.0
#include "locate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../format/places.h"

#define MAX_PATH_BYTES 4096

const char *snapshot_locate(const char *archive, bool ignores_paths) {
  const char *value = getenv("PYCDS_SNAPSHOT");
  if (value && strcmp(value, "off") == 0) return value;
  /* Anything else is no place: the arguments of a build reach the commands of its steps. */
  if (value && *value == '/' && !ignores_paths) return value;
  const char *end = strrchr(archive, '/');
  size_t bytes = end ? (size_t)(end - archive) + sizeof "/" PYCDS_SNAPSHOT_NAME : MAX_PATH_BYTES + 1;
  /* Kept for good, and of no page that nothing else needs. */
  char *beside = bytes > MAX_PATH_BYTES ? NULL : malloc(bytes);
  if (!beside) return NULL;
  snprintf(beside, bytes, "%.*s/%s", (int)(end - archive), archive, PYCDS_SNAPSHOT_NAME);
  if (access(beside, F_OK) == 0) return beside;
  free(beside);
  return NULL;
}
