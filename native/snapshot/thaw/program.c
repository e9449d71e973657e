// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "program.h"

#include <stdbool.h>
#include <string.h>

static bool is_same(const struct snapshot *snapshot, const struct snapshot_program *known,
                    const struct main_program *program) {
  const char *text = snapshot->strings + known->text;
  if (known->kind != program->kind) return false;
  return known->kind == SNAPSHOT_COMMAND ? strncmp(program->text, text, strlen(text)) == 0
                                         : strcmp(program->text, text) == 0;
}

const struct snapshot_program *program_find(const struct snapshot *snapshot, const struct main_program *program) {
  for (uint32_t i = 0; i < snapshot->header->programs.count; i++) {
    if (is_same(snapshot, &snapshot->programs[i], program)) return &snapshot->programs[i];
  }
  return NULL;
}
