// SPDX-License-Identifier: Apache-2.0
// The Python of an image that cannot be run here, as its files tell: where it is, which build, and which version.
import { PycdsError } from '../../errors/index.js'
import { findArchitecture } from '../../image/index.js'
import type { Archiver, Container, SourceImage } from '../../ports/index.js'
import type { RunLogPython } from '../runlog/run-log.js'
import { type ElfSymbols, readElfSymbols } from './elf.js'

/** Only such builds export them. */
const DEBUG_SYMBOLS = ['_Py_NegativeRefcount', '_Py_RefTotal']
const FREE_THREADED_SYMBOLS = ['_Py_MergeZeroLocalRefcount']
const FINAL = 0xf

/** The same path in an image for another processor. */
export function translatePath(path: string, from: SourceImage, to: SourceImage): string {
  const [old, next] = [findArchitecture(from.architecture), findArchitecture(to.architecture)]
  return old === undefined || next === undefined ? path : path.replaceAll(old.machine, next.machine)
}

export interface ForeignInput {
  /** The image that ran, and its Python. */
  from: SourceImage
  python: RunLogPython
  /** The image that cannot be run. */
  to: SourceImage
  image: Pick<Container, 'readFile'>
}

/**
 * Finds in another image the Python that ran in the first.
 * @throws PYTHON_UNSUPPORTED when it is not there, or not of the same minor version.
 */
export async function findForeignPython(
  { from, python, to, image }: ForeignInput,
  archiver: Archiver,
): Promise<RunLogPython> {
  const executable = translatePath(python.executable, from, to)
  const library = translatePath(python.library, from, to)
  const file = await image.readFile(library)
  const identity = file && archiver.identify(file)
  const symbols = file && readElfSymbols(file)
  if (!file || !identity || !symbols?.has('Py_GetVersion')) {
    throw refused(to, library, `there is no Python in it, as there is for ${from.architecture}`)
  }
  if (identity.machine !== findArchitecture(to.architecture)?.elf)
    throw refused(to, library, `it is for another processor than ${to.architecture}`)
  const hexversion = readVersion(file, symbols)
  if (hexversion === undefined) throw refused(to, library, 'its version cannot be read without running it')
  const version = formatVersion(hexversion)
  if (DEBUG_SYMBOLS.some((name) => symbols.has(name))) throw refused(to, library, 'it is a debug build')
  if (FREE_THREADED_SYMBOLS.some((name) => symbols.has(name)))
    throw refused(to, library, 'it is a free-threaded build')
  if (!compilesAlike(hexversion, python.hexversion))
    throw refused(
      to,
      library,
      `it is CPython ${version}, and for ${from.architecture} it is ${python.version}`,
    )
  const launcher = translatePath(python.launcher, from, to)
  return { ...python, executable, launcher, library, version, hexversion, identity: identity.hex }
}

/** Final releases of one minor version have the same bytecode; before the first of them it may change. */
function compilesAlike(a: number, b: number): boolean {
  const isFinal = (hexversion: number) => ((hexversion >>> 4) & 0xf) === FINAL
  return a === b || (a >>> 16 === b >>> 16 && isFinal(a) && isFinal(b))
}

/** PY_VERSION_HEX: a constant since 3.11, before that only as text. */
function readVersion(file: Buffer, symbols: ElfSymbols): number | undefined {
  const constant = symbols.read('Py_Version', 8)
  if (constant) return constant.readUInt32LE(0)
  const texts = new Set(file.toString('latin1').match(/(?<=\0)3\.(9|10)\.\d{1,2}\+?(?=\0)/g) ?? [])
  const [text, another] = texts
  if (text === undefined || another !== undefined) return undefined
  const [major = 0, minor = 0, micro = 0] = text.replace('+', '').split('.').map(Number)
  return (major << 24) | (minor << 16) | (micro << 8) | (FINAL << 4)
}

/** 0x030f02f0 is 3.15.2, 0x030f00c1 is 3.15.0rc1. */
function formatVersion(hexversion: number): string {
  const [major, minor, micro] = [hexversion >>> 24, (hexversion >>> 16) & 0xff, (hexversion >>> 8) & 0xff]
  const level = { 10: 'a', 11: 'b', 12: 'rc' }[(hexversion >>> 4) & 0xf]
  return `${major}.${minor}.${micro}${level === undefined ? '' : level + (hexversion & 0xf)}`
}

function refused(to: SourceImage, library: string, reason: string): PycdsError {
  return new PycdsError('PYTHON_UNSUPPORTED', {
    message: `image ${to.reference}: ${library}: ${reason}`,
    hint: 'Bake this platform on a machine that can run it, or with an emulator for it (binfmt_misc, qemu-user-static).',
  })
}
