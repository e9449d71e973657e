// SPDX-License-Identifier: Apache-2.0
// Which platform of several is meant.
import { PycdsError } from '../errors/index.js'
import { formatPlatform, imageArchitecture, type Platform } from '../image/index.js'
import type { FoundImage } from './find-images.js'

/** The platform of this machine. */
export function hostPlatform(): Platform {
  return { os: 'linux', architecture: imageArchitecture(process.arch) }
}

/** Parses `linux/arm64` or `linux/arm/v7`; throws USAGE. */
export function parsePlatform(text: string): Platform {
  const [os, architecture, variant, ...rest] = text.split('/')
  if (os && architecture && variant !== '' && rest.length === 0 && /^[\w./-]+$/.test(text)) {
    return { os, architecture, ...(variant === undefined ? {} : { variant }) }
  }
  throw new PycdsError('USAGE', {
    message: `platform ${JSON.stringify(text)}: not of the form OS/ARCHITECTURE[/VARIANT]`,
    hint: 'Write it as in linux/amd64 or linux/arm64.',
  })
}

/** Chooses the image of a platform; without one: the only image, or the one for this machine. */
export function selectImage(
  found: readonly FoundImage[],
  subject: string,
  wanted: Platform | undefined,
): FoundImage & { platform: Platform } {
  const images = found.filter((one): one is FoundImage & { platform: Platform } => one.platform !== undefined)
  const [only] = images
  if (only === undefined) throw noImage(subject)
  if (wanted === undefined && images.length === 1) return only
  const target = wanted ?? hostPlatform()
  const fitting = images.find(({ platform }) => fits(platform, target))
  if (fitting !== undefined) return fitting
  throw new PycdsError('IMAGE_NOT_FOUND', {
    message: `${subject}: it has no image for ${formatPlatform(target)}`,
    hint: `Choose with --platform from: ${images.map(({ platform }) => formatPlatform(platform)).join(', ')}`,
  })
}

function noImage(subject: string): PycdsError {
  return new PycdsError('IMAGE_INVALID', {
    message: `${subject}: it holds no image, only what is said of images`,
    hint: 'Name the image itself, by its name or as @sha256:...',
  })
}

function fits(platform: Platform, wanted: Platform): boolean {
  return (
    platform.os === wanted.os &&
    platform.architecture === wanted.architecture &&
    (wanted.variant === undefined || variantOf(platform) === variantOf(wanted))
  )
}

/** `arm64` alone means its only variant. */
function variantOf({ architecture, variant }: Platform): string {
  return variant ?? (architecture === 'arm64' ? 'v8' : '')
}
