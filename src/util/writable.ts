// SPDX-License-Identifier: Apache-2.0
import { accessSync, constants, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

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

/** Why nothing can be put into a directory. */
export function whyClosed(directory: string): string | undefined {
  const kind = kindOf(directory)
  if (kind === undefined) return `there is no directory ${directory}`
  return kind === 'other' ? `${directory} is no directory` : denialOf(directory)
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
