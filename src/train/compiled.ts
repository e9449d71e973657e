// SPDX-License-Identifier: Apache-2.0
// What a traced process compiled while it ran: regular expressions and source strings.

/** A regular expression and the program that `re` made of it. */
export interface TracedRegex {
  isBytes: boolean
  /** UTF-8, or the bytes themselves. */
  pattern: Buffer
  /** The flags asked for, as a number. */
  asked: number
  flags: number
  groups: number
  /** Four bytes each, little endian. */
  words: Buffer
  names: { name: string; group: number }[]
}

/** A source string that `compile`, `exec` or `eval` was given, and its code. */
export interface TracedSource {
  mode: 'exec' | 'eval' | 'single'
  optimize: number
  /** Compiler flags asked for or inherited. */
  flags: number
  filename: Buffer
  /** UTF-8. */
  text: Buffer
  marshal: Buffer
  /** It has a sample in the place of a number that is another one in each process. */
  isSample: boolean
}

/** The record type R of a trace file; undefined when it is not whole. */
export function parseRegex(fields: readonly Buffer[]): TracedRegex | undefined {
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
export function parseSource(fields: readonly Buffer[], isSample: boolean): TracedSource | undefined {
  const [name, flags, optimize, filename, text, marshal] = fields
  const mode = (['exec', 'eval', 'single'] as const).find((one) => one === name?.toString())
  if (!mode || !flags || !optimize || !filename || !text || !marshal) return undefined
  return { mode, flags: number(flags), optimize: number(optimize), filename, text, marshal, isSample }
}

function number(field: Buffer): number {
  return Number(field.toString())
}
