// SPDX-License-Identifier: Apache-2.0
import { shortId } from './digest.js'

/** What the user calls the images that are worked on by their ids, for messages about them. */
export class ImageNames {
  readonly #names = new Map<string, string>()

  /** Remembers what an image was asked for as. */
  add(id: string, reference: string): void {
    if (reference !== id) this.#names.set(id, reference)
  }

  /** `app:1 (0123456789ab)`, or the id of an image that nobody has named. */
  of(id: string): string {
    const name = this.#names.get(id)
    return name === undefined ? id : `${name} (${shortId(id)})`
  }
}
