// SPDX-License-Identifier: Apache-2.0
// Why a Python of an image would not be seen by what LD_PRELOAD loads, as far as its command and its files tell.
import { posix } from 'node:path'
import type { Container } from '../ports/index.js'
import { MAX_LINKS } from '../util/links.js'
import { findPython, isPythonName, locate, MAX_SCRIPT_BYTES, type PythonSurroundings } from './find-python.js'
import type { Unseen } from './run/index.js'

type Files = Pick<Container, 'stat' | 'lstat' | 'readFile'>

const CLEARS = /\benv\s+(?:-\S+\s+)*(?:-i\b|--ignore-environment\b|-(?=\s))|\bexec\s+-\w*c\w*\s/
/** What adds to the variable leaves in it what was there. */
const REPLACES = /\bLD_PRELOAD=(?!\S*\$\{?LD_PRELOAD)/
/** What nothing but a program that a tool has made of an application holds. */
const MARKS = [
  // The end of the archive that is appended to the program.
  { maker: 'PyInstaller', mark: 'MEI\x0c\x0b\x0a\x0b\x0e' },
  // Names that only its standalone and onefile programs have: what it compiles for an installed Python starts that one.
  { maker: 'Nuitka', mark: '__nuitka_binary_dir' },
  { maker: 'Nuitka', mark: 'NUITKA_ONEFILE_' },
  // The module that its programs begin with.
  { maker: 'cx_Freeze', mark: '\0__startup__\0' },
  // The head of the modules that are packed into the program, which what reads them has, too.
  { maker: 'PyOxidizer', mark: 'pyembed\x03' },
  { maker: 'PyOxidizer', mark: 'pyembed\x02' },
].map(({ maker, mark }) => ({ maker, mark: Buffer.from(mark, 'latin1') }))
const ELF = Buffer.from('\x7fELF', 'latin1')
/** So many programs of a command and its scripts are looked into. */
const MAX_PROGRAMS = 8
/** A larger program is not read for that. */
const MAX_PROGRAM_BYTES = 128 * 1024 * 1024
const ROOTS = new Set(['', '0', 'root'])

/** The first reason that is found; undefined when nothing stands between. */
export async function whyUnseen(files: Files, surroundings: PythonSurroundings): Promise<Unseen | undefined> {
  const capable = await capablePython(files, surroundings)
  if (capable !== undefined) return { program: capable, hiding: 'secure' }
  const { command } = surroundings
  const texts = [{ by: command[0] ?? '', text: command.join(' ') }]
  for (const word of command) texts.push(...(await scriptOf(word, files, surroundings)))
  const words = [...command, ...texts.flatMap(({ text }) => lastProgram(text) ?? [])]
  const frozen = await frozenProgram(words, files, surroundings)
  if (frozen !== undefined) return frozen
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

/** The first of the programs that brings its own interpreter, which no library that is loaded with it need see. */
async function frozenProgram(
  words: readonly string[],
  files: Files,
  surroundings: PythonSurroundings,
): Promise<Unseen | undefined> {
  const located: string[] = []
  for (const word of words) {
    const path = isPythonName(word) ? undefined : await locate(word, files, surroundings)
    if (path !== undefined && !located.includes(path)) located.push(path)
  }
  for (const program of located.slice(0, MAX_PROGRAMS)) {
    const found = await files.stat(program)
    if (!found || found.size > MAX_PROGRAM_BYTES) continue
    const bytes = await files.readFile(program)
    if (!bytes?.subarray(0, ELF.length).equals(ELF)) continue
    const maker = MARKS.find(({ mark }) => bytes.includes(mark))?.maker
    if (maker !== undefined) return { program, hiding: 'frozen', maker }
  }
  return undefined
}

/** What a script ends in, where that is an absolute path: what comes before only prepares its start. */
function lastProgram(text: string): string | undefined {
  const last = text
    .split(/[\n;&|]+/)
    .filter((command) => command.trim() !== '')
    .at(-1)
  return /^\s*(?:exec\s+)?["']?(\/[^\s"'$`]+)/.exec(last ?? '')?.[1]
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
