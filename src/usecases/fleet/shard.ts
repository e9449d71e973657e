// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'

/** One of several parts of the same images. */
export interface Shard {
  /** From 0. */
  index: number
  count: number
}

/**
 * Whether an image belongs to a part. Told by its name alone: machines that see different lists, because an image was
 * added in between, still bake none twice and leave none out.
 */
export function isInShard(name: string, { index, count }: Shard): boolean {
  const hash = createHash('sha256').update(name).digest()
  return hash.readUInt32BE(0) % count === index
}
