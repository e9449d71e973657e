// SPDX-License-Identifier: Apache-2.0
import type { Readable } from 'node:stream'

/** Waits for the beginning of a stream without taking it; false when it ends, or fails, before it has one. */
export async function hasContent(stream: Readable): Promise<boolean> {
  const chunk: unknown = stream.read()
  if (chunk !== null) {
    stream.unshift(chunk)
    return true
  }
  if (stream.readableEnded || stream.errored) return false
  await new Promise<void>((resolve) => {
    for (const event of ['readable', 'end', 'error', 'close']) stream.once(event, () => resolve())
  })
  const next: unknown = stream.read()
  if (next !== null) stream.unshift(next)
  return next !== null
}
