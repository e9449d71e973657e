// SPDX-License-Identifier: Apache-2.0
// Limits that a result must keep, or nothing of it is kept.
import { PycdsError } from '../errors/index.js'
import { formatBytes, formatPercentage } from '../util/units.js'
import type { StartComparison } from './measure.js'

/** Absent: no limit. */
export interface Gates {
  /** How many times as fast the start must be. */
  minSpeedup?: number
  /** Bytes, compressed as a registry would. */
  maxLayerBytes?: number
  /** Whether a second bake must give the same layer. */
  checkRepro: boolean
}

/** A limit that was asked for, and what the result has. */
export interface Gate {
  gate: string
  required: number
  actual: number
  unit: string
  ok: boolean
  detail: string | null
}

export function layerGate(gates: Gates, compressedBytes: number): Gate[] {
  if (gates.maxLayerBytes === undefined) return []
  return [atMost('max-layer-size', gates.maxLayerBytes, compressedBytes, 'bytes, compressed')]
}

const NOISY = 'noisy: starts of one image differ more than the images do, so that nothing can be said'

/** What to do about a limit, by its name. */
const HINTS: Readonly<Record<string, string>> = {
  'max-layer-size':
    'Train with a command that imports less, add no bytecode (--pyc off), or raise the limit.',
  'min-hit-rate': 'Train with a command that imports more, or lower the limit.',
  'min-speedup': 'Train with a command that imports more, or lower the limit.',
  'check-repro':
    'Train with a command that does the same each time, or import modules by name (--train imports).',
}
const NOISY_HINT = 'Measure on a quieter machine, or with more rounds (--measure).'

export function speedupGate(gates: Gates, start: StartComparison | null): Gate[] {
  if (gates.minSpeedup === undefined) return []
  const gate = atLeast('min-speedup', gates.minSpeedup, start?.speedup ?? 0, 'times as fast')
  // A factor that is no more than chance is neither enough nor too little.
  return [start?.noisy ? { ...gate, ok: false, detail: NOISY } : gate]
}

/** @param difference between two bakes; undefined when there is none. */
export function reproGate(gates: Gates, difference: string | undefined): Gate[] {
  if (!gates.checkRepro) return []
  const gate = { gate: 'check-repro', unit: 'differences', required: 0, actual: 0, ok: true, detail: null }
  return [difference === undefined ? gate : { ...gate, actual: 1, ok: false, detail: difference }]
}

/** @throws GATE_FAILED naming each limit that is not kept. */
export function assertGates(reference: string, gates: readonly Gate[]): void {
  const failed = gates.filter(({ ok }) => !ok)
  if (failed.length === 0) return
  throw new PycdsError('GATE_FAILED', {
    message: `image ${reference}: ${failed.map(describe).join('; ')}`,
    hint: `Nothing was tagged. ${[...new Set(failed.map(hintFor))].join(' ')}`,
  })
}

function describe({ gate, required, actual, unit, detail }: Gate): string {
  if (gate === 'check-repro') return `--check-repro: two bakes differ: ${detail}`
  if (gate === 'max-layer-size') {
    const [limit, size] = formatSizes(required, actual)
    return `--${gate} ${limit}: the layer has ${size}, compressed`
  }
  const more = detail === null ? '' : ` (${detail})`
  const measured = unit.startsWith('%')
    ? `${formatPercentage(actual)}${unit.slice(1)}`
    : `${roundedDown(actual)} ${unit}`
  return `--${gate} ${required}: it is ${measured}${more}`
}

function hintFor({ gate, detail }: Gate): string {
  return detail === NOISY ? NOISY_HINT : (HINTS[gate] ?? 'Change the limit.')
}

/** To the byte where they would look alike. */
function formatSizes(...sizes: [number, number]): string[] {
  const rounded = sizes.map((bytes) => formatBytes(bytes).replace('.0 ', ' '))
  return rounded[0] === rounded[1] ? sizes.map((bytes) => `${bytes} B`) : rounded
}

/** What is too little must not look like enough. */
function roundedDown(value: number): string {
  return String(Math.floor(value * 100 + 1e-9) / 100)
}

/** A limit below which a result must not lie. */
export function atLeast(gate: string, required: number, actual: number, unit: string): Gate {
  return { gate, required, actual, unit, ok: actual >= required, detail: null }
}

function atMost(gate: string, required: number, actual: number, unit: string): Gate {
  return { gate, required, actual, unit, ok: actual <= required, detail: null }
}
