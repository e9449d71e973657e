// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "program.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "../config.h"

/* The bytes that Python has decoded lie in the text as these: surrogateescape. */
#define ESCAPED_FIRST 0xdc80u
#define ESCAPED_LAST 0xdcffu

struct main_program {
  enum snapshot_program_kind kind;
  char *text; /* UTF-8 */
};

static char *put(char *at, uint32_t code) {
  if (code < 0x80 || (code >= ESCAPED_FIRST && code <= ESCAPED_LAST)) {
    *at++ = (char)code;
    return at;
  }
  int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  static const uint8_t first[] = {0, 0xc0, 0xe0, 0xf0};
  *at++ = (char)(first[more] | (code >> (6 * more)));
  while (more-- > 0) *at++ = (char)(0x80 | ((code >> (6 * more)) & 0x3f));
  return at;
}

static char *bytes_of(const wchar_t *text) {
  char *bytes = malloc(4 * wcslen(text) + 1), *at = bytes;
  for (; bytes && *text; text++) at = put(at, (uint32_t)*text);
  if (bytes) *at = 0;
  return bytes;
}

static const wchar_t *member(void *config, enum config_member which) {
  wchar_t **text = config_member(config, which);
  return text ? *text : NULL;
}

/* False: it has no name, as standard input has none. */
static bool find_main(struct main_program *program) {
  void *config = config_current();
  const wchar_t *command = config ? member(config, CONFIG_run_command) : NULL;
  const wchar_t *module = config ? member(config, CONFIG_run_module) : NULL;
  const wchar_t *file = config ? member(config, CONFIG_run_filename) : NULL;
  const wchar_t *text = command ? command : module ? module : file;
  char *bytes = text ? bytes_of(text) : NULL;
  program->kind = command ? SNAPSHOT_COMMAND : module ? SNAPSHOT_MODULE : SNAPSHOT_SCRIPT;
  program->text = bytes;
  if (program->kind == SNAPSHOT_SCRIPT && bytes) {
    /* The first version of realpath, which is the one that is found without a version, makes no room itself. */
    char *path = malloc(PATH_MAX);
    program->text = path ? realpath(bytes, path) : NULL;
    if (!program->text) free(path);
    free(bytes);
  }
  return program->text != NULL;
}

static bool is_same(const struct snapshot *snapshot, const struct snapshot_program *known,
                    const struct main_program *program) {
  const char *text = snapshot->strings + known->text;
  if (known->kind != program->kind) return false;
  return known->kind == SNAPSHOT_COMMAND ? strncmp(program->text, text, strlen(text)) == 0
                                         : strcmp(program->text, text) == 0;
}

enum snapshot_reject program_check(const struct snapshot *snapshot) {
  uint32_t count = snapshot->header->programs.count;
  struct main_program program;
  if (count == 0) return SNAPSHOT_ACCEPTED;
  if (!find_main(&program)) return SNAPSHOT_REJECT_OTHER_PROGRAM;
  const struct snapshot_program *found = NULL;
  for (uint32_t i = 0; i < count && !found; i++) {
    if (is_same(snapshot, &snapshot->programs[i], &program)) found = &snapshot->programs[i];
  }
  free(program.text);
  if (!found) return SNAPSHOT_REJECT_OTHER_PROGRAM;
  return found->gain > snapshot->header->cost ? SNAPSHOT_ACCEPTED : SNAPSHOT_REJECT_LITTLE_GAIN;
}
