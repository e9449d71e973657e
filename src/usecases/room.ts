// SPDX-License-Identifier: Apache-2.0
// Whether an image can take one more layer, and what is in it, asked before it is run.
import { PycdsError } from '../errors/index.js'
import { isReplaceable } from '../layer/labels.js'
import { FOLDER } from '../marks/places.js'
import type { Container, SourceImage } from '../ports/index.js'
import { isOfKind } from '../util/file-mode.js'

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

/** IMAGE_INVALID for an image in which something else than a directory lies where archive and manifest go. */
export async function assertPlace(
  { reference }: Pick<SourceImage, 'reference'>,
  image: Pick<Container, 'stat'>,
): Promise<void> {
  let at = ''
  for (const name of FOLDER.split('/').filter(Boolean)) {
    at += `/${name}`
    const found = await image.stat(at)
    if (found === undefined) return
    if (isOfKind(found.mode, 'directory')) continue
    throw new PycdsError('IMAGE_INVALID', {
      message: `image ${reference}: ${at} is no directory, and ${FOLDER} is where the archive goes`,
      hint: `Build the image with a directory at ${at}, or with nothing there.`,
    })
  }
}
