// SPDX-License-Identifier: Apache-2.0
import { statSync } from 'node:fs'
import type { ForeignForm } from '../../image/index.js'

/** What a text names on this machine that was taken for an image of the engine; undefined when it names nothing. */
export function formOnDisk(text: string): ForeignForm | undefined {
  const found = statSync(text, { throwIfNoEntry: false })
  if (found?.isDirectory())
    return { reason: 'it is a directory here', hint: `Write oci:${text} for the layout in it.` }
  if (!found?.isFile()) return undefined
  return {
    reason: 'it is a file here',
    hint: `Write docker-archive:${text} for what docker save writes, oci-archive:${text} for a layout in a tar.`,
  }
}
