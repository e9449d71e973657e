// SPDX-License-Identifier: Apache-2.0
// Starts Node with the C library that lies beside it, so that the tool runs in any image: with
// another C library, an older one or none, without a shell. Linked statically.
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the tool ends with when it is interrupted, and what shells say of a program that a signal has ended. */
enum { EXIT_INTERRUPTED = 130, EXIT_SIGNALLED = 128 };

/* Variables that are meant for the image's programs and would change how this one runs. They
 * are handed on under another name; src/in-place/environment.ts gives them back. */
#define KEPT "PYCDS_KEPT_"
static const char *const foreign[] = {"LD_",     "NODE_", "GLIBC_TUNABLES=", "GCONV_PATH=", "LOCPATH=", "OPENSSL_",
                                      "MALLOC_", "UV_",   "DEBUG="};

/* Variables that the tool cannot do without, for an image that has none and no /etc/passwd. */
#define ADDED "PYCDS_ADDED"
static const char *const needed[][2] = {{"HOME", "/"}, {"SHELL", "sh"}};

extern char **environ;

static int is_foreign(const char *entry) {
  for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
    if (strncmp(entry, foreign[i], strlen(foreign[i])) == 0) return 1;
  }
  return 0;
}

static int clean_environment(void) {
  for (char **entry = environ; *entry; entry++) {
    if (!is_foreign(*entry)) continue;
    char *renamed = malloc(sizeof KEPT + strlen(*entry));
    if (!renamed) return -1;
    strcpy(stpcpy(renamed, KEPT), *entry);
    *entry = renamed;
  }
  char added[64] = "";
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
    if (getenv(needed[i][0])) continue;
    if (setenv(needed[i][0], needed[i][1], 1) != 0) return -1;
    strcat(strcat(added, needed[i][0]), " ");
  }
  return setenv(ADDED, added, 1);
}

static char *path_of(const char *directory, const char *name) {
  char *path;
  return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

static int fail(const char *what) {
  fprintf(stderr, "pycds-image: %s: %s\n", what, strerror(errno));
  return 70;
}

static int status_of(int status) {
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  int number = WTERMSIG(status);
  return number == SIGINT || number == SIGTERM ? EXIT_INTERRUPTED : EXIT_SIGNALLED + number;
}

/* The kernel gives the first process of a container no signal that it has not asked for, and Node asks only once it is
 * up. So Node is the second one there, which every signal ends until Node says otherwise; this one hands them on, and
 * waits for what has lost its parent. Returns in the child only. */
static void become_second(void) {
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  pid_t node = fork();
  if (node == 0) sigprocmask(SIG_SETMASK, &before, NULL);
  if (node <= 0) return;
  for (;;) {
    siginfo_t info;
    int number = sigwaitinfo(&all, &info);
    /* Those of a terminal go to every process that belongs to it. */
    if (number > 0 && number != SIGCHLD && info.si_code <= 0) kill(node, number);
    int status;
    for (pid_t ended; (ended = waitpid(-1, &status, WNOHANG)) > 0;) {
      if (ended == node && (WIFEXITED(status) || WIFSIGNALED(status))) _exit(status_of(status));
    }
  }
}

int main(int argc, char **argv) {
  static char directory[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", directory, sizeof directory - 1);
  if (length <= 0) return fail("/proc/self/exe");
  directory[length] = 0;
  *strrchr(directory, '/') = 0;
  char *libraries = path_of(directory, "lib"), *node = path_of(directory, "bin/node");
  char *loader = path_of(directory, "lib/ld.so"), *program = path_of(directory, "app/dist/bin/run.js");
  char **words = calloc((size_t)argc + 8, sizeof *words);
  if (!libraries || !node || !loader || !program || !words || clean_environment() != 0) return fail("memory");
  size_t count = 0;
  words[count++] = loader;
  words[count++] = "--inhibit-cache"; /* the image's list of libraries is not for this program */
  words[count++] = "--library-path";
  words[count++] = libraries;
  words[count++] = node;
  words[count++] = program;
  for (int i = 1; i < argc; i++) words[count++] = argv[i];
  if (getpid() == 1) become_second();
  execv(loader, words);
  return fail(loader);
}
