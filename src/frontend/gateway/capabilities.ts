// SPDX-License-Identifier: Apache-2.0
// What a builder can do is what it says, never what its version suggests.
import { PycdsError } from '../../errors/index.js'
import type { APICap, PongResponse } from '../gen/gateway_pb.js'

/**
 * What the frontend cannot do without. BuildKit 0.8 (Docker 20.10) has all of it, and the list is frozen at that:
 * an entry more would shut out a builder that works today.
 */
const REQUIRED = {
  frontend: [
    'solve.base',
    'return',
    'proto.refarray',
    'reference.output',
    'readfile',
    'statfile',
    'resolveimage',
  ],
  llb: [
    'exec.meta.base',
    'exec.meta.network',
    'exec.mount.bind',
    'exec.mount.selector',
    'exec.mount.tmpfs',
    'file.base',
  ],
} as const

/** Optional ones, and what they are for. */
export type Optional =
  /** Warnings that stay on the screen. */
  | 'gateway.warnings'
  /** Solving without asking for a file. */
  | 'gateway.solve.evaluate'

export interface Capabilities {
  supports(capability: Optional): boolean
}

/** Reads the builder's list; ENGINE_FAILED when something is missing that the frontend needs. */
export function readCapabilities(pong: PongResponse): Capabilities {
  const frontend = enabled(pong.frontendAPICaps)
  const llb = enabled(pong.llbCaps)
  const missing = [
    ...REQUIRED.frontend.filter((id) => !frontend.has(id)),
    ...REQUIRED.llb.filter((id) => !llb.has(id)),
  ]
  if (missing.length > 0) {
    throw new PycdsError('ENGINE_FAILED', {
      message: `the builder lacks ${missing.map((id) => describe(id, pong)).join(', ')}`,
      hint: 'Docker 20.10 or BuildKit 0.8 is the oldest that works.',
    })
  }
  return { supports: (capability) => frontend.has(capability) }
}

function enabled(list: readonly APICap[]): Set<string> {
  return new Set(list.filter((one) => one.enabled).map((one) => one.id))
}

function describe(id: string, pong: PongResponse): string {
  const known = [...pong.frontendAPICaps, ...pong.llbCaps].find((one) => one.id === id)
  return known?.disabledReasonMsg ? `${id} (${known.disabledReasonMsg})` : id
}
