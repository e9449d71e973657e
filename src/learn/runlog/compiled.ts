// SPDX-License-Identifier: Apache-2.0
// What a traced process compiled while it ran: regular expressions and source strings.
import type { CompiledRegex, CompiledSource } from '../../ports/index.js'

/** The record type R of a trace file; undefined when it is not whole. */
export function parseRegex(fields: readonly Buffer[]): CompiledRegex | undefined {
  const [isBytes, asked, pattern, flags, groups, words, names] = fields
  if (!isBytes || !asked || !pattern || !flags || !groups || !words || !names) return undefined
  const list = names.length > 0 ? names.toString().split('\0') : []
  return {
    isBytes: isBytes.toString() === '1',
    asked: number(asked),
    pattern,
    flags: number(flags),
    groups: number(groups),
    words,
    names: list.flatMap((name, at) => (at % 2 === 1 ? [{ name, group: Number(list[at - 1]) }] : [])),
  }
}

/** The record types C and N (a sample) of a trace file; undefined when it is not whole. */
export function parseSource(fields: readonly Buffer[], isSample: boolean): CompiledSource | undefined {
  const [name, flags, optimize, filename, text, marshal] = fields
  const mode = (['exec', 'eval', 'single'] as const).find((one) => one === name?.toString())
  if (!mode || !flags || !optimize || !filename || !text || !marshal) return undefined
  return { mode, flags: number(flags), optimize: number(optimize), filename, text, marshal, isSample }
}

function number(field: Buffer): number {
  return Number(field.toString())
}
