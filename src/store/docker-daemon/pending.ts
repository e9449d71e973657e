// SPDX-License-Identifier: Apache-2.0
// The names that hold new images until they have their own. They tell which process made an image, so
// that a later run removes what a killed one has left; and of two runs that make the same image, one
// that fails does not take it from the other.
import { type Connection, statusOf } from '../../docker/index.js'
import { isAbandoned, ownerMark } from '../../util/owner.js'

/** The host is said, since engines have different ideas of where a short name belongs. */
const REPOSITORY = 'localhost/pycds-image-pending'

interface ListedImage {
  readonly RepoTags?: readonly string[] | null
}

/** The pending names of one store. */
export class PendingNames {
  readonly #connection: Connection
  /** By image id. */
  readonly #names = new Map<string, string>()

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** A new name of this process, to be given to an image. */
  next(): string {
    return `${REPOSITORY}:${ownerMark()}`
  }

  /** Notes which image has a name. */
  given(name: string, imageId: string): void {
    this.#names.set(imageId, name)
  }

  /** Takes the pending name of an image away, and with it an image that has no other. */
  async drop(imageId: string): Promise<void> {
    const name = this.#names.get(imageId)
    this.#names.delete(imageId)
    if (name !== undefined) await this.remove(name)
  }

  /** Removes what runs have left whose process was killed; failures are for the next run. */
  async sweep(): Promise<void> {
    const reference = ['', '*/', '*/*/'].map((prefix) => `${prefix}pycds-image-pending`)
    try {
      const images = await this.#connection.json<ListedImage[]>({
        method: 'GET',
        path: '/images/json',
        query: { filters: JSON.stringify({ reference }) },
        subject: 'images of pycds-image',
      })
      const names = images.flatMap(({ RepoTags }) => RepoTags ?? []).filter(isLeft)
      await Promise.all(names.map((name) => this.remove(name)))
    } catch {
      // Nothing depends on it.
    }
  }

  /** Takes a name away that may not have been given. */
  async remove(name: string): Promise<void> {
    try {
      await this.#connection.send({
        method: 'DELETE',
        path: `/images/${name}`,
        query: { noprune: 'true' },
        subject: `image ${name}`,
      })
    } catch (error) {
      if (statusOf(error) !== 404) throw error
    }
  }
}

/** Whether a name holds an image only until it has its own. */
export function isPendingName(name: string): boolean {
  return /(^|\/)pycds-image-pending:/.test(name)
}

function isLeft(name: string): boolean {
  const [, tag] = /\/pycds-image-pending:(.+)$/.exec(name) ?? []
  return tag !== undefined && isAbandoned(tag)
}
