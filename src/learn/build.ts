// SPDX-License-Identifier: Apache-2.0
// What the file that holds an interpreter tells of it, without running it.
import type { Archiver, ElfIdentity } from '../ports/index.js'
import { type ElfSymbols, readElfSymbols } from './elf.js'

/** Only such builds export them. */
const DEBUG_SYMBOLS = ['_Py_NegativeRefcount', '_Py_RefTotal']
const FREE_THREADED_SYMBOLS = ['_Py_MergeZeroLocalRefcount']
const FINAL = 0xf

/** A build of CPython, or why none of its kind is served. */
export type PythonBuild = { identity: ElfIdentity } & (
  | { hexversion: number; version: string }
  | { unsupported: string }
)

/** Undefined for a file that holds no interpreter. */
export function readBuild(
  file: Buffer | undefined,
  archiver: Pick<Archiver, 'identify'>,
): PythonBuild | undefined {
  const identity = file && archiver.identify(file)
  const symbols = file && readElfSymbols(file)
  if (!file || !identity || !symbols?.has('Py_GetVersion')) return undefined
  const hexversion = readVersion(file, symbols)
  if (hexversion === undefined)
    return { identity, unsupported: 'its version cannot be read without running it' }
  const has = (name: string) => symbols.has(name)
  if (DEBUG_SYMBOLS.some(has)) return { identity, unsupported: 'it is a debug build' }
  if (FREE_THREADED_SYMBOLS.some(has)) return { identity, unsupported: 'it is a free-threaded build' }
  return { identity, hexversion, version: formatVersion(hexversion) }
}

/** Final releases of one minor version have the same bytecode; before the first of them it may change. */
export function compilesAlike(a: number, b: number): boolean {
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
