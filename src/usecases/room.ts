// SPDX-License-Identifier: Apache-2.0
// Whether an image can take one more layer, asked before it is run.
import { PycdsError } from '../errors/index.js'
import { isReplaceable } from '../layer/labels.js'
import type { SourceImage } from '../ports/index.js'

/** What the Docker Engine can mount; other engines take more, but an image should go wherever its source went. */
const LAYER_LIMIT = 125

/** IMAGE_INVALID for an image that is full. The layer of an earlier bake makes room for the new one. */
export function assertRoom({ reference, layers, config }: SourceImage): void {
  if (layers - (isReplaceable(config) ? 1 : 0) < LAYER_LIMIT) return
  throw new PycdsError('IMAGE_INVALID', {
    message: `image ${reference}: it has ${layers} layers, and with one more the limit of ${LAYER_LIMIT} is passed`,
    hint: 'Build it with fewer layers: join RUN instructions, or copy its files into a new stage.',
  })
}
