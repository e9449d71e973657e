// SPDX-License-Identifier: Apache-2.0
import { mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/**
 * Makes a directory and those above it. Node's own way never ends where nothing can be made in a directory that there is,
 * as in `/proc`.
 */
export async function makeDirectories(path: string): Promise<void> {
  const place = resolve(path)
  try {
    await mkdir(place)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && (await isDirectory(place))) return
    if (code !== 'ENOENT' || (await isDirectory(dirname(place)))) throw error
    await makeDirectories(dirname(place))
    await makeDirectories(place)
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true
}
