// SPDX-License-Identifier: Apache-2.0
// The program `start` of images whose entrypoint goes on in a snapshot at once, without a Python that is started first. Its
// words are those of the image: where they cannot go on so, it becomes the program that they name, whose hook decides as in
// every other start.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../format/lines.h"
#include "start.h"

/* What shells say of a program that cannot be executed, and of one that is not there. */
#define EXIT_NO_PROGRAM 126
#define EXIT_NOT_FOUND 127

int main(int count, char **arguments) {
  if (count < 2) {
    fprintf(stderr, "pycds: no command to start\n");
    return EXIT_NOT_FOUND;
  }
  char **words = arguments + 1;
  enum snapshot_reject reject = start_at_once(words);
  if (getenv("PYCDS_LOG")) fprintf(stderr, LINE_START LINE_NOT_AT_ONCE "\n", getpid(), snapshot_reject_code(reject));
  execvp(words[0], words);
  int error = errno;
  fprintf(stderr, "pycds: cannot start %s: %s\n", words[0], strerror(error));
  return error == ENOENT ? EXIT_NOT_FOUND : EXIT_NO_PROGRAM;
}
