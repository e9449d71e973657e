// SPDX-License-Identifier: Apache-2.0
// Which words of an instruction announce a heredoc. The builder decides it word by word: a mark inside quotes, in the
// middle of a word (`1<<n`) or with a third bracket (`<<<`) is left to the shell.

export interface Heredoc {
  /** The line that ends it. */
  readonly end: string
  /** Whether tabs before that line do not count. */
  readonly chomp: boolean
}

/** Quoted and escaped parts belong to a word, and so do blanks behind the mark. */
const WORD = /(?:\\.?|'[^']*'|"(?:\\.|[^"\\])*"|<<[ \t\r]*|[^\s'"\\])+/gs
const MARK = /^\d*<<(-?)\s*([^<]+)$/
const QUOTED = /\\(.)|'([^']*)'|"((?:\\.|[^"\\])*)"/gs

/** The heredocs that an instruction announces, in their order. */
export function findHeredocs(instruction: string): Heredoc[] {
  // With a quote that nothing closes, none of its words is known.
  if (instruction.replace(WORD, '').trim() !== '') return []
  return [...instruction.matchAll(WORD)].flatMap(([word]) => {
    const [, dash, name] = MARK.exec(word) ?? []
    return name === undefined ? [] : [{ end: unquote(name), chomp: dash === '-' }]
  })
}

function unquote(word: string): string {
  return word.replace(
    QUOTED,
    (_, escaped?: string, single?: string, double?: string) =>
      escaped ?? single ?? (double ?? '').replace(/\\(["$\\])/g, '$1'),
  )
}
