// SPDX-License-Identifier: Apache-2.0
// What the scripts for all shells are made of: the words that can stand where.

/** A verb and what can follow it. */
export interface CommandWords {
  /** Such as `trace`, `merge`. */
  words: string[]
  summary: string
  /** Of its arguments, where these are some of a few words. */
  choices: string[]
  flags: FlagWords[]
}

export interface FlagWords {
  /** Without dashes. */
  name: string
  char?: string | undefined
  summary: string
  /** What the help calls its value, such as `FILE`; absent for a switch. */
  value?: string | undefined
  /** What the value may be; empty when it may be anything. */
  choices: string[]
}

/** What can stand in the place of a verb. */
export const PROGRAM_FLAGS: readonly FlagWords[] = [
  { name: 'help', char: 'h', summary: 'show help', choices: [] },
  { name: 'version', char: 'v', summary: 'show the version', choices: [] },
]

/** The words that can stand where a verb is expected, once. */
export function verbsOf(commands: readonly CommandWords[]): Map<string, string> {
  return new Map(
    commands
      .filter(({ words }) => words.length === 1)
      .map(({ words: [word = ''], summary }) => [word, summary]),
  )
}

/** The words behind a verb that make another one of it. */
export function partsOf(commands: readonly CommandWords[], { words }: CommandWords): string[] {
  const longer = commands.filter(
    ({ words: other }) => other.length === 2 && words.length === 1 && other[0] === words[0],
  )
  return longer.flatMap((command) => command.words[1] ?? [])
}

/** The verbs of two words, as they are typed. */
export const pairsOf = (commands: readonly CommandWords[]) =>
  commands.filter(({ words }) => words.length === 2).map(({ words }) => words.join(' '))

/** An option as it is typed, in its long and its short form. */
export const dashed = ({ name, char }: FlagWords) => [`--${name}`, ...(char ? [`-${char}`] : [])]

/** Whether a file or a directory can be the value of an option, or a part of it. */
export const takesFile = ({ value }: FlagWords) =>
  value !== undefined && /FILE|DIR|PATH|LOCATION|SOURCE|VENV/.test(value)

/** In single quotes, for zsh and fish. */
export const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
