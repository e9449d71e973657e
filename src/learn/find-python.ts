// SPDX-License-Identifier: Apache-2.0
// Which Python an image starts, as far as its configuration and its files tell without running it.
import { posix } from 'node:path'
import { PycdsError } from '../errors/index.js'
import { commandOf, DEFAULT_PATH, environmentOf, type ImageConfig } from '../image/index.js'
import { withoutLauncher } from '../marks/launcher.js'
import type { Container } from '../ports/index.js'
import { isOfKind } from '../util/file-mode.js'

/** What the search looks at. */
export interface PythonSurroundings {
  /** The image's command, or the one that replaces it. */
  command: readonly string[]
  path: string
  directory: string
  /** The user that runs the command, as the image says it; absent: root. */
  user?: string
  /** Asked for: a name or a path; nothing else is looked at then. */
  python?: string
}

export interface FoundPython {
  executable: string
  /** What the command has as the first entry of sys.path. */
  entry: string
}

const PYTHON = /^python(\d+(\.\d+)?)?$/
/** A longer file is no script whose first line is worth looking at. */
export const MAX_SCRIPT_BYTES = 256 * 1024

/** Whether a word of a command is called like an interpreter. */
export function isPythonName(word: string): boolean {
  return PYTHON.test(posix.basename(word))
}

/** What a configuration tells of its command's surroundings. */
export function surroundingsOf(config: ImageConfig): PythonSurroundings {
  return {
    command: withoutLauncher(commandOf(config)),
    path: environmentOf(config).PATH ?? DEFAULT_PATH,
    directory: config.config?.WorkingDir || '/',
    user: config.config?.User ?? '',
  }
}

/**
 * Finds it: a python that the command names, the one that a script of the command names, or the one of PATH.
 * @throws NO_PYTHON
 */
export async function findPython(
  subject: string,
  files: Pick<Container, 'stat' | 'readFile'>,
  surroundings: PythonSurroundings,
): Promise<FoundPython> {
  const { command, directory, python } = surroundings
  if (python !== undefined) {
    const executable = await locate(python, files, surroundings)
    if (executable) return { executable, entry: directory }
    throw new PycdsError('NO_PYTHON', {
      message: `${subject}: there is no program ${python}`,
      hint: 'Name the interpreter by its absolute path in the image.',
    })
  }
  const at = command.findIndex(isPythonName)
  const named = at === -1 ? undefined : await locate(command[at] ?? '', files, surroundings)
  if (named) return { executable: named, entry: entryOf(command.slice(at + 1), directory) }
  for (const word of command.slice(0, 1)) {
    const script = await locate(word, files, surroundings)
    const executable = script && (await interpreterOf(script, files, surroundings))
    // The program starts the application, which is in the working directory or installed.
    if (executable) return { executable, entry: directory }
  }
  for (const name of ['python3', 'python']) {
    const executable = await locate(name, files, surroundings)
    if (executable) return { executable, entry: directory }
  }
  throw new PycdsError('NO_PYTHON', {
    message: `${subject}: neither its command nor its PATH leads to a Python`,
    hint: 'Set PATH so that python3 is found; where there is no Python, there is nothing to prepare.',
  })
}

/** The first entry of sys.path: the directory of a script, else the working directory. */
function entryOf(words: readonly string[], directory: string): string {
  const program = words.find((word) => !word.startsWith('-'))
  const script = words.includes('-m') || words.includes('-c') ? undefined : program
  return script?.endsWith('.py') ? posix.dirname(posix.resolve(directory, script)) : directory
}

/** Where a word leads as a program: its absolute path, symlinks not followed. */
export async function locate(
  word: string,
  files: Pick<Container, 'stat'>,
  { path, directory }: PythonSurroundings,
): Promise<string | undefined> {
  const candidates = word.includes('/')
    ? [posix.resolve(directory, word)]
    : path.split(':').map((folder) => posix.resolve(directory, folder, word))
  for (const candidate of candidates) {
    const found = await files.stat(candidate)
    if (found && (found.mode & 0o111) !== 0 && isOfKind(found.mode, 'regular')) return candidate
  }
  return undefined
}

/** Reads `#!/path/python` and `#!/usr/bin/env python3`. */
async function interpreterOf(
  script: string,
  files: Pick<Container, 'stat' | 'readFile'>,
  surroundings: PythonSurroundings,
): Promise<string | undefined> {
  const found = await files.stat(script)
  if (!found || found.size > MAX_SCRIPT_BYTES) return undefined
  const [line = ''] = ((await files.readFile(script)) ?? Buffer.alloc(0)).toString('latin1').split('\n', 1)
  if (!line.startsWith('#!')) return undefined
  const words = line.slice(2).trim().split(/\s+/)
  const [program = ''] =
    posix.basename(words[0] ?? '') === 'env' ? words.slice(1).filter((w) => !w.startsWith('-')) : words
  return isPythonName(program) ? locate(program, files, surroundings) : undefined
}
