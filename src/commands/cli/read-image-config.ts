// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { PycdsError } from '../../errors/index.js'
import type { ImageConfig } from '../../image/index.js'
import { parseImageConfig } from '../../image/parse-config.js'

/** Reads the file of `--image-config`; USAGE when it cannot be read, IMAGE_INVALID when it is no configuration. */
export function readImageConfig(file: string): ImageConfig {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new PycdsError('USAGE', {
      message: `--image-config ${file}: it cannot be read`,
      hint: 'Name a file that this user may read.',
      cause,
    })
  }
  return parseImageConfig(text, file)
}
