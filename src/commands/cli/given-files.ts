// SPDX-License-Identifier: Apache-2.0
import { statSync } from 'node:fs'
import { readGiven } from '../../util/read-given.js'

/** The files that a command line names. Of many images each asks for its own, and a pipe can be read but once. */
export class GivenFiles {
  readonly #pipes = new Map<string, Promise<Buffer>>()

  /** What is in a file; rejects with what `whyUnreadable` explains. */
  async read(path: string): Promise<Buffer> {
    const known = this.#pipes.get(path)
    if (known !== undefined) return await known
    const found = readGiven(path)
    if (!isFile(path)) this.#pipes.set(path, found)
    return await found
  }
}

/** What is not there is not a pipe either. */
function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? true
}
