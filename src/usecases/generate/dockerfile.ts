// SPDX-License-Identifier: Apache-2.0
// The last stage of a Dockerfile, as far as a bake has to know it.
import { listForm, readFrom, readInstructions } from '../../dockerfile/index.js'
import type { Stage } from './instructions.js'

export interface LastStage extends Partial<Stage> {
  readonly name: string | undefined
  /** Index of the line in which its FROM ends. */
  readonly fromLine: number
  /** Index of the line in which the file ends although another line was to follow. */
  readonly openLine: number | undefined
}

/** Reads the last stage; undefined when the text has no FROM. */
export function lastStage(text: string): LastStage | undefined {
  const all = readInstructions(text)
  const start = all.findLastIndex(({ keyword }) => keyword === 'FROM')
  const from = all[start]
  if (from === undefined) return undefined
  const own = all.slice(start)
  const last = (wanted: string) => own.findLast(({ keyword }) => keyword === wanted)?.text
  const user = last('USER')
  const shell = listForm(last('SHELL') ?? '["/bin/sh", "-c"]') ?? []
  const command = commandOf(last('ENTRYPOINT'), last('CMD'), shell)
  return {
    name: readFrom(from.text).name,
    fromLine: from.lastLine,
    openLine: own.find(({ isOpen }) => isOpen)?.lastLine,
    ...(command.length > 0 ? { command } : {}),
    user: user === undefined || /^(root|0)(:|$)/.test(user) ? undefined : user,
  }
}

/** As the engine puts them together: a shell form of ENTRYPOINT takes no arguments. */
function commandOf(
  entrypoint: string | undefined,
  cmd: string | undefined,
  shell: readonly string[],
): string[] {
  const program = entrypoint === undefined ? [] : listForm(entrypoint)
  if (program === undefined) return [...shell, entrypoint ?? '']
  const rest = cmd === undefined ? [] : (listForm(cmd) ?? [...shell, cmd])
  return [...program, ...rest]
}
