// SPDX-License-Identifier: Apache-2.0
import { PycdsError } from '../../errors/index.js'
import type { ImageConfig } from '../../image/index.js'
import { parseImageConfig } from '../../image/parse-config.js'
import { whyUnreadable } from '../../util/read-given.js'
import type { GivenFiles } from './given-files.js'

/** Reads the file of `--image-config`; USAGE when it cannot be read, IMAGE_INVALID when it is no configuration. */
export async function readImageConfig(file: string, files: GivenFiles): Promise<ImageConfig> {
  let bytes: Buffer
  try {
    bytes = await files.read(file)
  } catch (cause) {
    throw new PycdsError('USAGE', {
      message: `--image-config ${file}: ${whyUnreadable(cause)}`,
      hint: 'Name a file that this user may read.',
      cause,
    })
  }
  return parseImageConfig(bytes.toString(), file)
}
