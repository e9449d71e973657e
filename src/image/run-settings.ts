// SPDX-License-Identifier: Apache-2.0
// What a configuration says of the containers that are made of its image.
import type { ImageConfig } from './config.js'

/** The part of a configuration that is about containers. */
type Runnable = Pick<ImageConfig, 'config'>

/** The PATH that engines set where an image has none. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** What a container runs when nothing else is asked for: ENTRYPOINT and CMD; empty when it has neither. */
export function commandOf({ config }: Runnable): string[] {
  return [...(config?.Entrypoint ?? []), ...(config?.Cmd ?? [])]
}

/** Its variables by name; an entry without a value is an empty one. */
export function environmentOf({ config }: Runnable): Record<string, string> {
  const pairs = (config?.Env ?? []).map((entry): [string, string] => {
    const at = entry.indexOf('=')
    return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)]
  })
  return Object.fromEntries(pairs)
}
