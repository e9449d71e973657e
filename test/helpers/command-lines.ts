// SPDX-License-Identifier: Apache-2.0
// Command lines of CPython, and what both readers of them have to find: src/artifact/snapshot/programs.ts and
// native/runtime/learn/kind.c.
import type { MainProgram } from '../../src/artifact/snapshot/programs.js'

export interface CommandLine {
  /** Behind the name of the interpreter. */
  words: readonly string[]
  options: readonly string[]
  program: MainProgram | undefined
  /** How many of the words say which program it is: neither its arguments nor the text of -c. */
  shown: number
}

const line = (
  words: readonly string[],
  options: readonly string[],
  program: readonly [kind: MainProgram['kind'], text: string] | undefined,
  shown: number,
): CommandLine => ({ words, options, program: program && { kind: program[0], text: program[1] }, shown })

/** Those that a process can be of; files of these names have to be there. */
export const COMMAND_LINES: readonly CommandLine[] = [
  line(['app.py'], [], ['script', 'app.py'], 1),
  line(['-u', 'app.py', '-c', 'x'], ['-u'], ['script', 'app.py'], 2),
  line(['--', 'app.py'], [], ['script', 'app.py'], 2),
  line(['--', '-odd.py'], [], ['script', '-odd.py'], 2),
  line(['-m', 'shop', '--port', '1'], [], ['module', 'shop'], 2),
  line(['-mshop'], [], ['module', 'shop'], 1),
  line(['-uBm', 'shop', '-c', 'x'], ['-uB'], ['module', 'shop'], 2),
  line(['-c', 'import a; a.b()', '-m', 'x'], [], ['command', 'import a; a.b()'], 1),
  line(['-Bcimport a'], ['-B'], ['command', 'import a'], 0),
  line(['-X', 'utf8', '-Wignore', '-q', 'a.py'], ['-X', 'utf8', '-Wignore', '-q'], ['script', 'a.py'], 5),
  line(
    ['-bWerror::BytesWarning', '--check-hash-based-pycs', 'default', '-m', 'a'],
    ['-bWerror::BytesWarning', '--check-hash-based-pycs', 'default'],
    ['module', 'a'],
    5,
  ),
  line(['-'], [], undefined, 1),
  line(['-', 'app.py'], [], undefined, 1),
  line(['-u'], ['-u'], undefined, 1),
  line([], [], undefined, 0),
]

/** Those that end without a program, or that CPython refuses. */
export const QUESTIONS: readonly (readonly string[])[] = [
  ['-V', 'app.py'],
  ['-h', 'app.py'],
  ['-?'],
  ['--version', 'app.py'],
  ['--help-all'],
  ['-c'],
  ['-m'],
]
