// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'

const BYTES = 6

/**
 * A host name for a container as engines give one: twelve hexadecimal digits. At least one of them is a letter, since
 * resolvers take a name of decimal digits alone for an address, and never look it up.
 */
export function containerHostname(): string {
  for (;;) {
    const name = randomBytes(BYTES).toString('hex')
    if (/[a-f]/.test(name)) return name
  }
}
