// SPDX-License-Identifier: Apache-2.0
import type { ImageConfig } from '../../image/index.js'

/** When a run inside an image has seen enough; of several, the first one that holds. */
export type ReadySpec =
  /** The container's main process has ended. */
  | { kind: 'exit' }
  /** No new module was imported for `ms` milliseconds, after the first one. */
  | { kind: 'quiet'; ms: number }
  /** So long after the start, whatever happened. */
  | { kind: 'timer'; ms: number }
  /** The HEALTHCHECK of the image passes. */
  | { kind: 'health' }
  /** A connection to a TCP port is accepted, seen from inside the container. */
  | { kind: 'port'; port: number }
  /** A GET request is answered with a status below 400. */
  | { kind: 'http'; port: number; path: string }
  /** A line of the output matches. */
  | { kind: 'log'; pattern: RegExp }
  /** A program inside the container ends with 0. */
  | { kind: 'cmd'; command: readonly string[] }

/** When a run is over, and what ends it when that never comes. */
export interface ReadyPlan {
  specs: readonly ReadySpec[]
  /** Nobody asked for `specs`: after so long without an import the run ends all the same, with a warning. */
  fallbackQuietMs?: number
  /** Takes its place when one of `specs` can never hold, for want of a program in the image. */
  instead?: ReadyPlan
  /** Neither the user nor the image says how to tell: that a service falls quiet need not mean that it is up. */
  isGuess?: boolean
  /** What the image says is not known: so it is in a build. */
  isUnknown?: boolean
}

/** What is used where an image says nothing about itself: programs end, services fall quiet. */
export const DEFAULT_READY: ReadyPlan = {
  specs: [{ kind: 'exit' }, { kind: 'quiet', ms: 2000 }],
  isGuess: true,
}

/** The same where nobody knows what the image says. */
export const UNKNOWN_READY: ReadyPlan = { ...DEFAULT_READY, isUnknown: true }

/** The part of a configuration that tells when an image is up. */
export type Told = Pick<ImageConfig, 'config'>

/** An image may expose a port that its command never opens, or be unhealthy without its database. */
const PORT_FALLBACK_MS = 10_000
const HEALTH_FALLBACK_MS = 30_000

/** How to tell that an image is up when nothing is asked for: its HEALTHCHECK, else its ports, else the default. */
export function automaticReady(config: Told): ReadyPlan {
  const instead = readyByPorts(config)
  if (healthCommand(config) === undefined) return instead
  return { specs: [{ kind: 'exit' }, { kind: 'health' }], fallbackQuietMs: HEALTH_FALLBACK_MS, instead }
}

function readyByPorts(config: Told): ReadyPlan {
  const ports = exposedPorts(config)
  if (ports.length === 0) return DEFAULT_READY
  return {
    specs: [{ kind: 'exit' }, ...ports.map((port): ReadySpec => ({ kind: 'port', port }))],
    fallbackQuietMs: PORT_FALLBACK_MS,
  }
}

/** The command of an image's HEALTHCHECK, as it is executed; undefined when it has none. */
export function healthCommand(config: Told): string[] | undefined {
  const [kind, ...words] = config.config?.Healthcheck?.Test ?? []
  if (kind === 'CMD' && words.length > 0) return words
  const [line] = words
  if (kind !== 'CMD-SHELL' || line === undefined) return undefined
  const shell = config.config?.Shell
  return [...(isWords(shell) && shell.length > 0 ? shell : ['/bin/sh', '-c']), line]
}

function exposedPorts(config: Told): number[] {
  return Object.keys(config.config?.ExposedPorts ?? {})
    .flatMap((text) => /^(\d+)(?:\/tcp)?$/.exec(text)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
}

function isWords(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((word) => typeof word === 'string')
}

/** As it is written on the command line, such as `exit` or `quiet:2s`. */
export function formatReady(spec: ReadySpec): string {
  switch (spec.kind) {
    case 'quiet':
    case 'timer':
      return `${spec.kind}:${spec.ms / 1000}s`
    case 'port':
      return `port:${spec.port}`
    case 'http':
      return `http:${spec.port}${spec.path}`
    case 'log':
      return `log:${spec.pattern}`
    case 'cmd':
      return `cmd:${spec.command.join(' ')}`
    default:
      return spec.kind
  }
}
