// SPDX-License-Identifier: Apache-2.0
// A check whose program is not in the image will never pass, however long one waits for it.
import type { ExecResult } from '../../ports/index.js'

/** What runtimes and shells say by their exit code. */
const NOT_FOUND = 127
/** As dash, bash and busybox have it. */
const SHELL_SAYS = /^\S*sh: (?:line )?(?:\d+: )?([^\s:]+): (?:command )?not found$/m
/** What a line does when its check has failed, which is no other way to pass. */
const GIVES_UP = /^\s*(?:exit|false|kill)\b/

/** The program that a command could not run for want of it; undefined when that does not decide how it ends. */
export function missingProgram(
  command: readonly string[],
  { exitCode, output }: ExecResult,
): string | undefined {
  if (exitCode === null || exitCode === 0) return undefined
  const named = SHELL_SAYS.exec(output)?.[1]
  const line = command[0]?.endsWith('sh') && command[1]?.startsWith('-') ? command.at(-1) : undefined
  if (line === undefined) return exitCode === NOT_FOUND ? (named ?? command[0]) : undefined
  return named !== undefined && hasOneWay(line) ? named : undefined
}

/** Whether a shell's line can pass only by what it tries first. */
function hasOneWay(line: string): boolean {
  const [first = '', ...others] = line.split('||')
  return !/[;\n]/.test(first.trim()) && others.every((other) => GIVES_UP.test(other))
}
