// SPDX-License-Identifier: Apache-2.0
import { type Descriptor, REF_NAME } from '../image/index.js'

/** The name of an entry of an index.json. */
export function nameOf(entry: Descriptor): string | undefined {
  return entry.annotations?.[REF_NAME]
}
