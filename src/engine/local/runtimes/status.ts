// SPDX-License-Identifier: Apache-2.0
import type { ChildProcess } from 'node:child_process'
import type { Readable } from 'node:stream'

/**
 * Reads what a runtime tells on descriptor 4 until it closes it, which is when the command runs or never will.
 * @param enough ends the reading early.
 */
export function readStatus(
  child: ChildProcess,
  enough: (text: string) => boolean = () => false,
): Promise<string> {
  return new Promise((resolve) => {
    const stream = child.stdio[4] as Readable | null | undefined
    let text = ''
    const finish = () => resolve(text)
    child.on('error', finish)
    stream?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (enough(text)) finish()
    })
    stream?.on('error', finish)
    stream?.on('close', finish)
  })
}
