// SPDX-License-Identifier: Apache-2.0
// What an interpreter was started with: its own options, and the program that it was to run.

/** A main program as native/snapshot/format.h knows it. */
export interface MainProgram {
  /** `script`: a path; `module`: as behind -m; `command`: what the text behind -c begins with. */
  kind: 'script' | 'module' | 'command'
  text: string
}

export interface Started {
  /** What stood in front of the program, such as `-u` or `-X utf8`. */
  options: string[]
  /** Undefined where there was none: standard input, or a question such as `--version`. */
  program: MainProgram | undefined
}

/** Options that take a value, in their own word or in the next one. */
const WITH_VALUE = 'WX'
const LONG_WITH_VALUE = '--check-hash-based-pycs'
/** Ends without a program. */
const QUESTIONS = 'hV?'
const LONG_QUESTION = /^--(version|help(-\w+)?)$/
/** What a library starts its workers with; each time with other numbers. */
const WORKER = /^from multiprocessing\.\w+ import \w+ *; *\w+\(/

/**
 * Reads the words of a command line as CPython does; native/runtime/learn/kind.c does so for itself.
 * @param words  as in sys.orig_argv, the name of the interpreter first
 */
export function readWords(words: readonly string[]): Started {
  const options: string[] = []
  const rest = words.slice(1)
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '-') return { options, program: undefined }
    if (word === '--') return { options, program: scriptOf(rest[0]) }
    if (!word.startsWith('-')) return { options, program: scriptOf(word) }
    if (word.startsWith('--')) {
      if (LONG_QUESTION.test(word)) return { options, program: undefined }
      options.push(word, ...(word === LONG_WITH_VALUE ? rest.splice(0, 1) : []))
      continue
    }
    const end = endOf(word)
    const sign = word[end]
    if (sign === undefined) options.push(word)
    else if (QUESTIONS.includes(sign)) return { options, program: undefined }
    else {
      const value = word.slice(end + 1)
      if (WITH_VALUE.includes(sign)) {
        options.push(word, ...(value === '' ? rest.splice(0, 1) : []))
        continue
      }
      if (end > 1) options.push(word.slice(0, end))
      return { options, program: programOf(sign, value === '' ? rest[0] : value) }
    }
  }
  return { options, program: undefined }
}

/** Where in a word of single letters something other than a switch stands. */
function endOf(word: string): number {
  for (let at = 1; at < word.length; at++)
    if (`cm${WITH_VALUE}${QUESTIONS}`.includes(word[at] ?? '')) return at
  return word.length
}

function scriptOf(path: string | undefined): MainProgram | undefined {
  return path === undefined ? undefined : { kind: 'script', text: path }
}

function programOf(sign: string, text: string | undefined): MainProgram | undefined {
  if (text === undefined || text === '') return undefined
  if (sign === 'm') return { kind: 'module', text }
  return { kind: 'command', text: WORKER.exec(text)?.[0] ?? text }
}
