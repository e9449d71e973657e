// SPDX-License-Identifier: Apache-2.0
// Which stores and engines a command line asks for.
import { PycdsError } from '../../errors/index.js'
import { formatPlatform, isLocation } from '../../image/index.js'
import { parsePlatform } from '../../oci/index.js'
import { present } from '../../util/present.js'
import type { PortsRequest } from './ports.js'

/** The flags that choose among stores, engines and images of an index; see `locationFlags` in flags.ts. */
export interface LocationFlags {
  platform?: string | undefined
  runtime?: PortsRequest['runtime'] | undefined
  output?: string | undefined
}

/** Makes the request for the ports; throws USAGE for flags that mean nothing for such an image. */
export function toPortsRequest(reference: string | undefined, flags: LocationFlags): PortsRequest {
  const { platform, runtime, output } = flags
  const [flag] = Object.entries({ platform, runtime }).find(([, value]) => value !== undefined) ?? []
  if (flag !== undefined && !isLocation(reference ?? '')) {
    throw new PycdsError('USAGE', {
      message: `--${flag}: ${reference} is an image of an engine, which decides this itself`,
      hint: 'Use it with oci:DIR, oci-archive:FILE or docker-archive:FILE.',
    })
  }
  return {
    ...present({ reference, platform, runtime, output }),
  }
}

/** The platforms of a command line, each once; throws USAGE for a text that is none. */
export function toPlatforms(texts: readonly string[] = []): string[] {
  return [...new Set(texts.map((text) => formatPlatform(parsePlatform(text.trim()))))]
}
