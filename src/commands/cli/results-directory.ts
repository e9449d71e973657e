// SPDX-License-Identifier: Apache-2.0
// What became of each image, a file each: whoever reads one, after whatever has ended the run, reads it whole.
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { notKept } from '../../oci/files.js'
import type { ImageOutcome, Journal } from '../../usecases/fleet/index.js'
import { makeDirectories } from '../../util/make-directories.js'
import { readGivenNow } from '../../util/read-given.js'
import { removeAbandoned, writeWhole } from '../../util/staging.js'
import { formatJson } from './output-files.js'

/** What a result file holds. */
export interface ResultFile extends ImageOutcome {
  schema: 'io.pycds.image-result/1'
  /** sha256 of all that follows, as JSON without spaces: a run goes on only from what an earlier one has written. */
  digest: string
}

const SCHEMA = 'io.pycds.image-result/1'
/** File systems take 255 bytes. */
const MAX_NAME = 150

/** The results of runs in a directory, which is made when it does not exist. */
export class ResultsDirectory implements Journal {
  readonly #path: string

  private constructor(path: string) {
    this.#path = path
  }

  /** Opens a directory and removes from it what killed runs have left half written. USAGE when it cannot be written to. */
  static async open(path: string): Promise<ResultsDirectory> {
    const directory = new ResultsDirectory(path)
    await directory.#write(async () => {
      await makeDirectories(path)
      await removeAbandoned(path)
    })
    return directory
  }

  async read(name: string): Promise<ImageOutcome | undefined> {
    try {
      return parse(readGivenNow(this.#fileOf(name)).toString(), name)
    } catch {
      return undefined // there is none, or what is there cannot be read
    }
  }

  async write(outcome: ImageOutcome): Promise<void> {
    const file: ResultFile = { schema: SCHEMA, digest: digestOf(outcome), ...outcome }
    await this.writeText(fileNameFor(outcome.name), formatJson(file))
  }

  /** Writes a file beside the results. */
  async writeText(name: string, text: string): Promise<void> {
    await this.#write(() => writeWhole(join(this.#path, name), (staged) => writeFile(staged, text)))
  }

  #fileOf(name: string): string {
    return join(this.#path, fileNameFor(name))
  }

  async #write(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (cause) {
      throw notKept('--results', this.#path, cause)
    }
  }
}

function digestOf(outcome: ImageOutcome): string {
  return `sha256:${createHash('sha256').update(JSON.stringify(outcome)).digest('hex')}`
}

/** Readable, and different for names that differ only in signs that files cannot have. */
function fileNameFor(name: string): string {
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8)
  return `${name.replace(/[^A-Za-z0-9._-]+/g, '_').slice(0, MAX_NAME)}-${hash}.json`
}

/** A file that holds anything else is as good as none. */
function parse(text: string, name: string): ImageOutcome | undefined {
  try {
    const { schema, digest, ...outcome } = JSON.parse(text) as ResultFile
    const isOutcome = schema === SCHEMA && digest === digestOf(outcome) && outcome.name === name
    return isOutcome ? outcome : undefined
  } catch {
    return undefined
  }
}
