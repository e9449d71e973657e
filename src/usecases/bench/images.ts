// SPDX-License-Identifier: Apache-2.0
// Which images are compared: the baked one, what it was baked from, and that with bytecode.
import { isBaked } from '../../layer/labels.js'
import type { SourceImage } from '../../ports/index.js'
import { bake } from '../bake.js'
import { findOriginal } from '../original.js'
import type { BenchPorts, BenchRequest } from './request.js'

export interface Pair {
  baked: SourceImage
  baseline: SourceImage
  /** The baseline is the baked image with its archive switched off. */
  switchedOff: boolean
  /** The baked image was made for this comparison and is to be removed. */
  temporary: boolean
  warnings: string[]
}

/** Finds both images, and bakes one where the user only has the other. */
export async function findPair(request: BenchRequest, ports: BenchPorts): Promise<Pair> {
  const { store } = ports
  const image = await store.resolve(request.reference)
  const pair = { baked: image, switchedOff: false, temporary: false, warnings: [] }
  if (request.baseline !== undefined) return { ...pair, baseline: await store.resolve(request.baseline) }
  if (!isBaked(image.config)) return bakeFor(image, request, ports)
  const { image: baseline, switchedOff, source } = await findOriginal(image, store)
  const reason =
    source === undefined
      ? 'it was built on a baked one'
      : `what it was baked from (${source.slice(0, 19)}) is not here any more`
  const warning = `image ${request.reference}: ${reason}: compared with the same image and PYCDS=off`
  return { ...pair, baseline, switchedOff, warnings: switchedOff ? [warning] : [] }
}

async function bakeFor(image: SourceImage, request: BenchRequest, ports: BenchPorts): Promise<Pair> {
  const { reference, command, ready, limits, surroundings } = request
  const { result } = await bake(
    {
      reference,
      ready,
      limits,
      surroundings,
      probes: [],
      ...(command ? { command } : {}),
      onTrainFailure: 'fail',
      validate: 'stat',
      pyc: 'auto',
      measureRuns: 0,
      dryRun: false,
      untagged: true,
      mode: 'entrypoint',
      imports: [],
      traces: [],
      gates: { checkRepro: false },
    },
    ports,
  )
  const id = result.output?.id
  if (id === undefined) throw new Error('a bake that is no dry run makes an image')
  const warning = `image ${reference}: it was not baked: compared with a bake of it that is removed again`
  return {
    baked: await ports.store.resolve(id),
    baseline: image,
    switchedOff: false,
    temporary: true,
    warnings: [warning],
  }
}
