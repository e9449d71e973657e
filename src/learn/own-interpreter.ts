// SPDX-License-Identifier: Apache-2.0
// Servers that load an interpreter as a plugin: which one is seen in a run of them alone, and an archive is of one build.

const SERVER =
  /(?:^|\/)(?:uwsgi(?:-core|_python3?)?|apache2(?:ctl|-foreground)?|httpd(?:-foreground)?|unitd)$/

/**
 * What to say of modules that were imported by name, in the image's own Python, when its command starts such a server.
 * @param library the interpreter that the archive is made for
 */
export function warnOfOwnInterpreter(command: readonly string[], library: string): string[] {
  const server = command.flatMap((word) => word.split(/\s+/)).find((word) => SERVER.test(word))
  if (server === undefined) return []
  return [
    `the archive is for ${library}; if ${server} loads another build of Python as a plugin, it refuses it (BUILD_MISMATCH): verify tells, and a trace of a real start names the right one (docs/training.md)`,
  ]
}
