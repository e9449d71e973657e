// SPDX-License-Identifier: Apache-2.0
// Many images, as they are asked for on a command line.
import { Flags } from '@oclif/core'
import { PycdsError } from '../../errors/index.js'
import type { Shard } from '../../usecases/fleet/index.js'
import { parseCount } from './parse.js'

export const fleetFlags = {
  jobs: Flags.string({
    default: '1',
    summary:
      'with --config, bake at most so many images at once, and fewer where there is no memory for them',
    helpValue: 'N',
  }),
  results: Flags.string({
    summary:
      'with --config, keep what became of each image in a file of this directory, and metrics for Prometheus; a later run goes on from there',
    helpValue: 'DIR',
  }),
  shard: Flags.string({
    summary:
      'with --config, bake only one of N parts of the images, each of which another machine may take; I counts from 0 or from 1',
    helpValue: 'I/N',
  }),
}

/** What holds for one image as well as for each of many. */
export const untilFlags = {
  'skip-unchanged': Flags.boolean({
    summary: 'do nothing when the new image is there already, made from the same image, options and version',
    exclusive: ['dry-run', 'plan'],
  }),
  'image-timeout': Flags.string({
    summary: 'give up on an image after this time, whatever it is at',
    helpValue: 'TIME',
  }),
}

/** More at once is no help to anybody. */
const MAX_JOBS = 1000
const MAX_SHARDS = 100_000

export interface FleetFlags {
  jobs: string
  results?: string | undefined
  shard?: string | undefined
}

export interface FleetRequest {
  jobs: number
  results: string | undefined
  shard: Shard | undefined
}

/** Throws USAGE for a value that has no meaning. */
export function toFleetRequest({ jobs, results, shard }: FleetFlags): FleetRequest {
  return {
    jobs: parseCount('--jobs', jobs, MAX_JOBS, 1),
    results,
    shard: shard === undefined ? undefined : parseShard(shard),
  }
}

/** USAGE for flags that are about several images where there is one. */
export function assertNoFleet({ jobs, results, shard }: FleetFlags): void {
  const [flag] =
    Object.entries({ jobs: jobs === '1' ? undefined : jobs, results, shard }).find(
      ([, value]) => value !== undefined,
    ) ?? []
  if (flag === undefined) return
  throw new PycdsError('USAGE', {
    message: `--${flag}: it is about the images of a file, and one image was named`,
    hint: 'Name images, or patterns for them, in a file: --config pycds-image.yaml.',
  })
}

/** The last part is also the first one of those who count from 0: both ways, all parts together are the whole. */
function parseShard(text: string): Shard {
  const [, index, of] = /^(\d+)\/(\d+)$/.exec(text) ?? []
  const count = Number(of)
  if (!(count >= 1 && count <= MAX_SHARDS && Number(index) <= count)) {
    throw new PycdsError('USAGE', {
      message: `--shard ${text}: not a part of several`,
      hint: 'Write 0/3, 1/3 and 2/3 for three parts, or 1/3, 2/3 and 3/3.',
    })
  }
  return { index: Number(index) % count, count }
}
