// SPDX-License-Identifier: Apache-2.0

/** Shorter values would blot out ordinary words. */
const MIN_LENGTH = 4

/** What must not be shown: passwords and tokens of this session, in each form in which they are sent. */
export class Secrets {
  readonly #values = new Set<string>()

  add(...values: readonly (string | undefined)[]): void {
    for (const value of values) {
      if (value === undefined || value.length < MIN_LENGTH) continue
      for (const form of [value, encodeURIComponent(value), Buffer.from(value).toString('base64')]) {
        this.#values.add(form)
      }
    }
  }

  /** The text with `***` in the place of each. */
  redact(text: string): string {
    let clean = text
    for (const value of this.#values) clean = clean.replaceAll(value, '***')
    return clean
  }
}
