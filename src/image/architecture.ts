// SPDX-License-Identifier: Apache-2.0
// Which images there are native parts for.
import { PycdsError } from '../errors/index.js'

/** Node's name of each architecture, by that of image configurations. */
const NAMES: Readonly<Record<string, string>> = { amd64: 'x64', arm64: 'arm64' }

/** Node's name of an image's architecture; PYTHON_UNSUPPORTED when it cannot be baked. */
export function nodeArchitecture(image: { reference: string; os: string; architecture: string }): string {
  const name = image.os === 'linux' ? NAMES[image.architecture] : undefined
  if (name !== undefined) return name
  throw new PycdsError('PYTHON_UNSUPPORTED', {
    message: `image ${image.reference}: it is for ${image.os}/${image.architecture}`,
    hint: 'Images for linux/amd64 and linux/arm64 can be baked.',
  })
}
