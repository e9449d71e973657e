// SPDX-License-Identifier: Apache-2.0
// Limits on the result, as they are written on a command line.
import { Flags } from '@oclif/core'
import type { Limits } from '../../artifact/kind/artifact.js'
import { PycdsError } from '../../errors/index.js'
import type { Gates } from '../../measure/gates.js'
import { parseFactor, parsePercentage } from './parse.js'

export const gateFlags = {
  'min-speedup': Flags.string({
    summary: 'fail, and tag nothing, unless the start is so many times as fast',
    helpValue: 'N',
  }),
  'max-layer-size': Flags.string({
    summary: 'fail, and tag nothing, when the compressed layer is larger',
    helpValue: 'SIZE',
  }),
  'min-hit-rate': Flags.string({
    summary:
      'start the new image once; fail, and tag nothing, unless so many percent of the modules that it imports come from the archive',
    helpValue: 'P',
  }),
  'check-repro': Flags.boolean({
    summary: 'bake twice; fail, and tag nothing, unless both give the same layer',
  }),
}

export interface GateFlags {
  'min-speedup'?: string | undefined
  'max-layer-size'?: string | undefined
  'min-hit-rate'?: string | undefined
  'check-repro': boolean
  measure: string
  'dry-run': boolean
}

/** Throws USAGE for a limit without meaning, or one that nothing would be compared with. */
export function toGates(flags: GateFlags): Gates & Limits {
  const { 'min-speedup': speedup, 'max-layer-size': size, 'min-hit-rate': rate } = flags
  if (speedup !== undefined && flags.measure === '0') throw pointless('--min-speedup', '--measure 0')
  for (const [name, value] of Object.entries({ '--min-speedup': speedup, '--min-hit-rate': rate })) {
    if (value !== undefined && flags['dry-run']) throw pointless(name, '--dry-run')
  }
  return {
    ...(speedup === undefined ? {} : { minSpeedup: parseFactor('--min-speedup', speedup) }),
    ...(size === undefined ? {} : { maxLayerBytes: parseSize('--max-layer-size', size) }),
    ...(rate === undefined ? {} : { minHitRate: parsePercentage('--min-hit-rate', rate) }),
    checkRepro: flags['check-repro'],
  }
}

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
}

/** Reads `50MB`, `1.5GiB` or `800KB` as bytes. Throws USAGE naming `flag`. */
export function parseSize(flag: string, text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)(B|[KMG]i?B)$/.exec(text) ?? []
  const bytes = Math.floor(Number(number) * (UNITS[unit] ?? Number.NaN))
  if (Number.isSafeInteger(bytes)) return bytes
  throw usage(`${flag} ${text}: not a size`, 'Write a number with its unit: 800KB, 50MB or 1GiB.')
}

function pointless(flag: string, other: string): PycdsError {
  return usage(`${flag}: cannot be combined with ${other}`, 'Leave one of them out.')
}

function usage(message: string, hint: string): PycdsError {
  return new PycdsError('USAGE', { message, hint })
}
