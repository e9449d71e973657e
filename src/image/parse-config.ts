// SPDX-License-Identifier: Apache-2.0
import { PycdsError } from '../errors/index.js'
import { type ImageConfig, validateConfig } from './index.js'

/** Reads an image configuration that somebody wrote down; USAGE when it is no JSON, IMAGE_INVALID when no configuration. */
export function parseImageConfig(text: string, place: string): ImageConfig {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new PycdsError('USAGE', {
      message: `image configuration ${place}: it is not JSON`,
      hint: 'Write it with `docker image save` or `skopeo inspect --config`.',
      cause,
    })
  }
  return validateConfig(value, `image configuration ${place}`)
}
