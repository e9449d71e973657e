// SPDX-License-Identifier: Apache-2.0
// The last stage of a Dockerfile, as far as a bake has to know it.
import type { Stage } from './instructions.js'

interface Instruction {
  readonly line: number
  readonly keyword: string
  readonly value: string
}

export interface LastStage extends Partial<Stage> {
  /** Index of the line with its FROM. */
  readonly line: number
  readonly name: string | undefined
}

/** Reads the last stage; undefined when the text has no FROM. */
export function lastStage(text: string): LastStage | undefined {
  const all = instructions(text)
  const start = all.findLastIndex(({ keyword }) => keyword === 'FROM')
  const from = all[start]
  if (from === undefined) return undefined
  const own = all.slice(start)
  const last = (wanted: string) => own.findLast(({ keyword }) => keyword === wanted)?.value
  const [, name] = /\sAS\s+(\S+)$/i.exec(from.value) ?? []
  const user = last('USER')
  const shell = words(last('SHELL') ?? '["/bin/sh", "-c"]') ?? []
  const command = commandOf(last('ENTRYPOINT'), last('CMD'), shell)
  return {
    ...{ line: from.line, name },
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
  const program = entrypoint === undefined ? [] : words(entrypoint)
  if (program === undefined) return [...shell, entrypoint ?? '']
  const rest = cmd === undefined ? [] : (words(cmd) ?? [...shell, cmd])
  return [...program, ...rest]
}

/** The list form; undefined for the shell form. */
function words(value: string): string[] | undefined {
  try {
    const list: unknown = JSON.parse(value)
    return Array.isArray(list) && list.every((word) => typeof word === 'string') ? list : undefined
  } catch {
    return undefined
  }
}

function instructions(text: string): Instruction[] {
  const found: Instruction[] = []
  const lines = text.split(/\r?\n/)
  for (let at = 0; at < lines.length; at += 1) {
    const line = at
    let value = (lines[at] ?? '').trim()
    if (value === '' || value.startsWith('#')) continue
    while (/\\\s*$/.test(value) && at + 1 < lines.length) {
      at += 1
      const next = (lines[at] ?? '').trim()
      if (!next.startsWith('#')) value = `${value.replace(/\\\s*$/, '')}${next}`
    }
    for (const [, , end] of value.matchAll(/<<(-?)["']?(\w+)["']?/g)) {
      at += 1
      while (at < lines.length && (lines[at] ?? '').trim() !== end) at += 1
    }
    const [, keyword = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(value) ?? []
    found.push({ line, keyword: keyword.toUpperCase(), value: rest.trim() })
  }
  return found
}
