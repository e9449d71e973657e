// SPDX-License-Identifier: Apache-2.0
import { stat } from 'node:fs/promises'
import { PycdsError } from '../../errors/index.js'
import type { Mount } from '../../ports/index.js'

/** USAGE for a mount of something that is not there, which a runtime would tell as a fault of the image. */
export async function assertMounts(mounts: readonly Mount[]): Promise<void> {
  for (const { source, target } of mounts) {
    if (!source.startsWith('/')) {
      throw new PycdsError('USAGE', {
        message: `--mount ${source}:${target}: volumes with names exist only in an engine`,
        hint: 'Name a file or directory, as in ./data:/data, or bake an image of an engine.',
      })
    }
    const isThere = await stat(source).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code !== 'ENOENT' && error.code !== 'ENOTDIR',
    )
    if (isThere) continue
    throw new PycdsError('USAGE', {
      message: `--mount ${source}:${target}: there is no ${source} on this machine`,
      hint: 'Check the path.',
    })
  }
}
