// SPDX-License-Identifier: Apache-2.0
// Why a Python of an image would not be seen by what LD_PRELOAD loads, as far as its command and its files tell.
import { posix } from 'node:path'
import type { Container } from '../ports/index.js'
import { MAX_LINKS } from '../util/links.js'
import { findPython, locate, MAX_SCRIPT_BYTES, type PythonSurroundings } from './find-python.js'
import type { Unseen } from './run/index.js'

type Files = Pick<Container, 'stat' | 'lstat' | 'readFile'>

const CLEARS = /\benv\s+(?:-\S+\s+)*(?:-i\b|--ignore-environment\b|-(?=\s))|\bexec\s+-\w*c\w*\s/
/** What adds to the variable leaves in it what was there. */
const REPLACES = /\bLD_PRELOAD=(?!\S*\$\{?LD_PRELOAD)/
/** What PyInstaller puts at the end of the archive that it appends to a program. */
const FROZEN = Buffer.from('MEI\x0c\x0b\x0a\x0b\x0e', 'latin1')
/** A larger program is not read for that. */
const MAX_PROGRAM_BYTES = 128 * 1024 * 1024
const ROOTS = new Set(['', '0', 'root'])

/** The first reason that is found; undefined when nothing stands between. */
export async function whyUnseen(files: Files, surroundings: PythonSurroundings): Promise<Unseen | undefined> {
  const capable = await capablePython(files, surroundings)
  if (capable !== undefined) return { program: capable, hiding: 'secure' }
  const { command } = surroundings
  const frozen = await frozenProgram(command[0] ?? '', files, surroundings)
  if (frozen !== undefined) return { program: frozen, hiding: 'frozen' }
  const texts = [{ by: command[0] ?? '', text: command.join(' ') }]
  for (const word of command) texts.push(...(await scriptOf(word, files, surroundings)))
  for (const [hiding, pattern] of [
    ['cleared', CLEARS],
    ['replaced', REPLACES],
  ] as const) {
    const found = texts.find(({ text }) => pattern.test(text))
    if (found) return { program: `the program behind ${found.by}`, hiding }
  }
  return undefined
}

/** Capabilities take nothing away from a program that root starts. */
async function capablePython(files: Files, surroundings: PythonSurroundings): Promise<string | undefined> {
  const [user = ''] = (surroundings.user ?? '').split(':')
  if (ROOTS.has(user)) return undefined
  const found = await findPython('', files, surroundings).catch(() => undefined) // the reason is another one then
  let path = found?.executable
  for (let links = 0; path !== undefined && links < MAX_LINKS; links += 1) {
    const at = await files.lstat(path)
    if (at?.type !== 'symlink') return at?.isCapable ? path : undefined
    path = posix.resolve(posix.dirname(path), at.linkname ?? '')
  }
  return undefined
}

/** It looks for its interpreter at run time and starts it itself, which no library that is loaded with it can see. */
async function frozenProgram(word: string, files: Files, surroundings: PythonSurroundings) {
  const path = await locate(word, files, surroundings)
  if (path === undefined) return undefined
  const found = await files.stat(path)
  if (!found || found.size > MAX_PROGRAM_BYTES) return undefined
  return (await files.readFile(path))?.includes(FROZEN) ? path : undefined
}

/** The text of a script that the word names, without its comments. */
async function scriptOf(word: string, files: Files, surroundings: PythonSurroundings) {
  const path = await locate(word, files, surroundings)
  if (path === undefined) return []
  const found = await files.stat(path)
  if (!found || found.size > MAX_SCRIPT_BYTES) return []
  const text = (await files.readFile(path))?.toString('latin1') ?? ''
  return text.startsWith('#!') ? [{ by: path, text: text.replace(/^\s*#.*$/gm, '') }] : []
}
