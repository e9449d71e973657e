// SPDX-License-Identifier: Apache-2.0
// The Dockerfile is not read here: the frontend that would have read it makes the image.
import { SYNTAX } from '../util/published-images.js'
import type { Options } from './gateway/index.js'
import type { CacheOptionsEntry } from './gen/gateway_pb.js'

/** A call of another frontend. */
export interface Delegation {
  readonly frontend: string
  readonly frontendOpt: Record<string, string>
  readonly cacheImports: Pick<CacheOptionsEntry, 'type' | 'attrs'>[]
}

/**
 * Whom to ask, and with which options: all that were given.
 * `# syntax=pycds/frontend docker/dockerfile:1` names an image, otherwise it is the frontend built into the builder.
 */
export function delegation(options: Options, target: string): Delegation {
  const { source, cmdline, ...rest } = Object.fromEntries(options)
  const inner = (cmdline ?? '').trim().split(/\s+/).slice(1).join(' ')
  const [image = ''] = inner.split(' ')
  const frontendOpt: Record<string, string> = { ...rest }
  if (target === '') delete frontendOpt.target
  else frontendOpt.target = target
  // A Dockerfile frontend that was not given `cmdline` follows the first line of the Dockerfile: to us, for ever.
  if (image === '') frontendOpt.cmdline = cmdline ?? source ?? SYNTAX
  else Object.assign(frontendOpt, { source: image, cmdline: inner })
  return {
    frontend: image === '' ? 'dockerfile.v0' : 'gateway.v0',
    frontendOpt,
    cacheImports: cacheImports(options),
  }
}

/** Where results of other builders may be found; what cannot be read is left to the Dockerfile frontend to report. */
export function cacheImports(options: Options): Delegation['cacheImports'] {
  const references = (options.get('cache-from') ?? '').split(',').filter((reference) => reference !== '')
  return [
    ...references.map((ref) => ({ type: 'registry', attrs: { ref } })),
    ...parseList(options.get('cache-imports')).flatMap((entry) => {
      const { Type, Attrs } = entry as { Type?: unknown; Attrs?: unknown }
      return typeof Type === 'string' ? [{ type: Type, attrs: texts(Attrs) }] : []
    }),
  ]
}

/** Whether results at hand are not to be used for any stage; `no-cache=web` means one of the Dockerfile's. */
export function ignoresCache(options: Options): boolean {
  return options.get('no-cache') === ''
}

function parseList(text: string | undefined): object[] {
  try {
    const list: unknown = JSON.parse(text ?? '[]')
    return Array.isArray(list) ? list.filter((entry) => typeof entry === 'object' && entry !== null) : []
  } catch {
    return []
  }
}

function texts(value: unknown): Record<string, string> {
  const entries = Object.entries(typeof value === 'object' && value !== null ? value : {})
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}
