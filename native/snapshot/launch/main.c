// SPDX-License-Identifier: Apache-2.0
// The program `start` of images whose entrypoint goes on in a snapshot at once, without a Python that is started first. Its
// words are those of the image: where they cannot go on so, it becomes the program that they name, whose hook decides as in
// every other start.
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "../../format/lines.h"
#include "find.h"
#include "start.h"

/* What shells say of a program that cannot be executed, and of one that is not there. */
#define EXIT_NO_PROGRAM 126
#define EXIT_NOT_FOUND 127
#define SHELL "/bin/sh"

/* Whether this was executed as the file of a process, as only those do that go on in a snapshot: they mean their Python. */
static bool is_own_file(void) {
  const char *path = (const char *)getauxval(AT_EXECFN);
  const char *name = path ? strrchr(path, '/') : NULL;
  return name && strncmp(path, "/proc/", strlen("/proc/")) == 0 && strcmp(name, "/exe") == 0;
}

/* A script without a first line for the kernel: the init of an engine has a shell run it, and a runtime does not. */
static void become_shell(int count, char **words) {
  static char found[PATH_MAX];
  char *script = strchr(words[0], '/') ? words[0] : found;
  char **with_shell = calloc((size_t)count + 2, sizeof *with_shell);
  if (getppid() == 0 || (script == found && !find_program(words[0], found)) || !with_shell) return;
  with_shell[0] = (char *)SHELL;
  with_shell[1] = script;
  memcpy(with_shell + 2, words + 1, (size_t)count * sizeof *with_shell);
  execv(SHELL, with_shell);
}

int main(int count, char **arguments) {
  if (is_own_file()) {
    const char *python = start_python();
    if (python) execv(python, arguments);
  }
  if (count < 2) {
    fprintf(stderr, "pycds: no command to start\n");
    return EXIT_NOT_FOUND;
  }
  char **words = arguments + 1;
  enum snapshot_reject reject = start_at_once(words);
  const char *log = getenv("PYCDS_LOG");
  if (log && *log) fprintf(stderr, LINE_START LINE_NOT_AT_ONCE "\n", getpid(), snapshot_reject_code(reject));
  execvp(words[0], words);
  int error = errno;
  if (error == ENOEXEC) become_shell(count - 1, words);
  fprintf(stderr, "pycds: cannot start %s: %s\n", words[0], strerror(error));
  return error == ENOENT ? EXIT_NOT_FOUND : EXIT_NO_PROGRAM;
}
