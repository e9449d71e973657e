// SPDX-License-Identifier: Apache-2.0
// Which stores and engines a command line asks for.
import { PycdsError } from '../../errors/index.js'
import { formatPlatform, isLocation, parseLocation } from '../../image/index.js'
import { parsePlatform } from '../../oci/index.js'
import { present } from '../../util/present.js'
import { parseSize } from './gate-flags.js'
import type { PortsRequest } from './ports.js'

/** Room for the layers of a few dozen images. */
const DEFAULT_CACHE_BYTES = 10e9

/** The flags that choose among stores, engines and images of an index; see `locationFlags` in flags.ts. */
export interface LocationFlags {
  platform?: string | undefined
  runtime?: PortsRequest['runtime'] | undefined
  output?: string | undefined
  'cache-dir'?: string | undefined
  'cache-size'?: string | undefined
}

/** Makes the request for the ports; throws USAGE for flags that mean nothing for such an image. */
export function toPortsRequest(reference: string | undefined, flags: LocationFlags): PortsRequest {
  const { platform, runtime, output, 'cache-dir': directory, 'cache-size': size } = flags
  const [flag] = Object.entries({ platform, runtime }).find(([, value]) => value !== undefined) ?? []
  if (flag !== undefined && !isLocation(reference ?? '')) {
    throw new PycdsError('USAGE', {
      message: `--${flag}: ${reference} is an image of an engine, which decides this itself`,
      hint: 'Use it with oci:DIR, oci-archive:FILE, docker-archive:FILE or registry:HOST/REPO.',
    })
  }
  return { ...present({ reference, platform, runtime, output }), ...toCache(directory, size) }
}

/** Where what is read of registries stays. */
function toCache(
  directory: string | undefined,
  size: string | undefined,
): Pick<PortsRequest, 'cacheDirectory' | 'cacheLimit'> {
  if (directory === undefined) return {}
  return {
    cacheDirectory: directory,
    cacheLimit: size === undefined ? DEFAULT_CACHE_BYTES : parseSize('--cache-size', size),
  }
}

/** The request for a command that needs no engine where an image is in a registry. */
export function toRegistryRequest(reference: string): PortsRequest {
  return parseLocation(reference)?.kind === 'registry' ? { reference } : {}
}

/** USAGE for what is no location of a registry. */
export function assertInRegistry(verb: string, reference: string): void {
  if (parseLocation(reference)?.kind === 'registry') return
  throw new PycdsError('USAGE', {
    message: `${verb} ${reference}: only an image in a registry has traces beside it`,
    hint: 'Write it as registry:HOST[:PORT]/REPO[:TAG|@DIGEST].',
  })
}

/** The platforms of a command line, each once; throws USAGE for a text that is none. */
export function toPlatforms(texts: readonly string[] = []): string[] {
  return [...new Set(texts.map((text) => formatPlatform(parsePlatform(text.trim()))))]
}
