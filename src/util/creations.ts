// SPDX-License-Identifier: Apache-2.0

/** Makes things until it is closed; closing waits for those that are being made, so that none is forgotten. */
export class Creations {
  readonly #pending = new Set<Promise<unknown>>()
  #isClosed = false

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Makes one. Once closed, nothing new should be started: the caller looks at `isClosed`, also when it is done. */
  async make<T>(work: () => Promise<T>): Promise<T> {
    const making = work()
    const settled = making.catch(() => {})
    this.#pending.add(settled)
    try {
      return await making
    } finally {
      this.#pending.delete(settled)
    }
  }

  /** Resolves when everything that was begun has been made or has failed. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all(this.#pending)
  }
}
