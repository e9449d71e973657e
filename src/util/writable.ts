// SPDX-License-Identifier: Apache-2.0
import { accessSync, constants, mkdtempSync, rmdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { isFull } from './full.js'

/**
 * Why a file cannot be written, as far as can be told without writing it; undefined when it seems possible. One that
 * exists is written to or replaced, for another one its directory has to be there.
 */
export function whyUnwritable(path: string): string | undefined {
  const file = resolve(path)
  const kind = kindOf(file)
  if (kind === 'directory') return 'it is a directory'
  return kind === undefined ? whyClosed(dirname(file)) : denialOf(file)
}

/** Why nothing can be put into a directory. To find out, one is made in it and removed. */
export function whyClosed(directory: string): string | undefined {
  const kind = kindOf(directory)
  if (kind === undefined) return `there is no directory ${directory}`
  return kind === 'other' ? `${directory} is no directory` : (denialOf(directory) ?? refusalOf(directory))
}

function kindOf(path: string): 'directory' | 'other' | undefined {
  try {
    return statSync(path).isDirectory() ? 'directory' : 'other'
  } catch {
    return undefined
  }
}

function denialOf(path: string): string | undefined {
  try {
    accessSync(path, constants.W_OK)
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EROFS'
      ? `the file system of ${path} is read-only`
      : `this user may not write to ${path}`
  }
}

/** The rights are not all: `/proc` and its kind let nobody make anything, and yet say that root may write. */
function refusalOf(directory: string): string | undefined {
  try {
    rmdirSync(mkdtempSync(join(directory, '.pycds-')))
    return undefined
  } catch (error) {
    // Room may be made until it is needed, and what is missing then has a code of its own.
    return isFull(error) ? undefined : `nothing can be made in ${directory}`
  }
}
