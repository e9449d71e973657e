// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "words.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../status.h"
#include "find.h"

/* How much of a first line the kernel looks at. */
#define LINE_BYTES 256

/* ---- the first line of a script ---- */

struct first_line {
  char text[LINE_BYTES + 1];
  char *interpreter, *argument; /* in `text`; NULL: there is none */
};

static bool read_first_line(const char *path, struct first_line *line) {
  *line = (struct first_line){0};
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  ssize_t got = fd < 0 ? -1 : read(fd, line->text, LINE_BYTES);
  if (fd >= 0) close(fd);
  if (got < 0) return false;
  if (strncmp(line->text, "#!", 2) != 0) return true;
  char *end = strchr(line->text, '\n');
  if (!end) return false;
  do *end-- = 0;
  while (*end == ' ' || *end == '\t');
  line->interpreter = line->text + 2 + strspn(line->text + 2, " \t");
  char *space = line->interpreter + strcspn(line->interpreter, " \t");
  if (*space) {
    *space++ = 0;
    line->argument = space + strspn(space, " \t");
  }
  return *line->interpreter == '/';
}

static const char *base(const char *path) { return strrchr(path, '/') + 1; }

/* The word that its interpreter is started by; NULL: it is not of a simple form. */
static const char *find_interpreter(struct launched *launched, const struct first_line *line) {
  launched->comm = base(launched->file);
  if (!line->argument) return find_program(line->interpreter, launched->executable) ? line->interpreter : NULL;
  /* A program that looks for another one, and becomes that. */
  bool looks =
      strcmp(line->interpreter, "/usr/bin/env") == 0 && !strpbrk(line->argument, " \t=") && *line->argument != '-';
  if (!looks || !find_program(line->argument, launched->executable)) return NULL;
  launched->comm = base(launched->executable);
  launched->execfn = launched->executable;
  return line->argument;
}

/* Whether the kernel would start it with rights of its own. */
static bool has_rights(const char *path) {
  struct stat status;
  bool is_known = status_of_path(path, &status) && getxattr(path, "security.capability", NULL, 0) < 0;
  return !is_known || (status.st_mode & (S_ISUID | S_ISGID));
}

static bool find_python(char **words, struct launched *launched) {
  struct first_line line;
  if (!find_program(words[0], launched->file) || !read_first_line(launched->file, &line)) return false;
  launched->execfn = launched->file;
  const char *word = words[0];
  int more = 0, count = 0;
  if (line.interpreter) {
    word = find_interpreter(launched, &line);
    if (!word) return false;
    more = 1;
  } else {
    memcpy(launched->executable, launched->file, sizeof launched->file);
    launched->comm = base(launched->file);
  }
  if (has_rights(launched->executable)) return false;
  while (words[count]) count++;
  launched->arguments = calloc((size_t)(count + more) + 1, sizeof *launched->arguments);
  char *first = strdup(word);
  if (!launched->arguments || !first) return false;
  launched->arguments[0] = first;
  if (more) launched->arguments[1] = launched->file;
  memcpy(launched->arguments + 1 + more, words + 1, (size_t)count * sizeof *words);
  return true;
}

/* ---- the main program ---- */

/* An option and its value; what follows is for the program. */
static bool take_option(struct launched *launched, char **words, enum snapshot_program_kind kind, const char *end) {
  char *option = words[0], *value = words[1];
  launched->program.kind = kind;
  if (!value || asprintf(&launched->program.text, "%s%s", value, end) < 0) return false;
  char **own = words + 1;
  int count = 0;
  while (own[count]) count++;
  launched->own = calloc((size_t)count + 1, sizeof *own);
  if (!launched->own) return false;
  memcpy(launched->own, own, (size_t)count * sizeof *own);
  launched->own[0] = option;
  return true;
}

/* As Python makes a path absolute. */
static bool take_script(struct launched *launched, char **words) {
  const char *word = words[0];
  char directory[PATH_MAX];
  launched->program.kind = SNAPSHOT_SCRIPT;
  launched->own = words;
  if (*word == '/') {
    if (snprintf(launched->path, PATH_MAX, "%s", word) >= PATH_MAX) return false;
  } else {
    if (!getcwd(directory, sizeof directory) || *directory != '/') return false;
    if (snprintf(launched->path, PATH_MAX, "%s/%s", directory, word) >= PATH_MAX) return false;
  }
  launched->program.text = realpath(launched->path, NULL);
  return launched->program.text != NULL;
}

static bool is_plain(const char *word) {
  while (*word > 0) word++;
  return *word == 0;
}

bool words_read(char **words, struct launched *launched) {
  *launched = (struct launched){0};
  if (!words[0] || !find_python(words, launched)) return false;
  for (char **word = launched->arguments; *word; word++) {
    if (!is_plain(*word)) return false;
  }
  char **program = launched->arguments + 1;
  while (*program && strcmp(*program, "-u") == 0) {
    launched->unbuffered = true;
    program++;
  }
  const char *first = *program;
  if (!first || !*first) return false;
  bool taken = false;
  if (strcmp(first, "-c") == 0) taken = take_option(launched, program, SNAPSHOT_COMMAND, "\n");
  if (strcmp(first, "-m") == 0) taken = take_option(launched, program, SNAPSHOT_MODULE, "");
  if (*first != '-') taken = take_script(launched, program);
  return taken && is_plain(launched->path);
}
