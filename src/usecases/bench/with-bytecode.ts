// SPDX-License-Identifier: Apache-2.0
// The second baseline: the image as it would be with bytecode for all that it imports. What an image gains that ships
// none is mostly that, and nobody should have to guess how much.

import { compileBytecode } from '../../artifact/bytecode/index.js'
import { earlierBytecode, readModules } from '../../artifact/kind/baked.js'
import { appendLayer, creationText, creationTime, environmentOf } from '../../image/index.js'
import { packLayer } from '../../layer/layer.js'
import { during } from '../../log/index.js'
import type { SourceImage } from '../../ports/index.js'
import { withContainer } from '../../ports/with-container.js'
import { TOOL_VERSION } from '../../util/version.js'
import type { Pair } from './images.js'
import type { BenchPorts, BenchRequest } from './request.js'

/** The configuration stays as it is. */
const NOTHING = { env: {}, labels: {} }

/** An untagged image that the caller removes, or why there is none. */
export type WithBytecode = { image: SourceImage } | { reason: string }

/** Adds bytecode to the baseline for every module that the baked image imports. */
export async function addAllBytecode(
  { baked, baseline, switchedOff }: Pair,
  request: BenchRequest,
  ports: BenchPorts,
): Promise<WithBytecode> {
  if (switchedOff) return { reason: 'the image it was baked from is not here' }
  const known = await readBake(baked, ports)
  if (!known) return { reason: `${request.reference} holds no archive that tells which modules it imports` }
  const title = 'Compile bytecode for a second baseline'
  return await during(ports.progress, ['bench-bytecode', title], async (step) => {
    const { files } = await compileBytecode(ports.engine, {
      image: baseline.id,
      ...known,
      skip: [],
      earlier: await withContainer(ports.engine, baseline.id, earlierBytecode),
      onlyWithout: false,
      validate: 'stat',
      timeoutMs: request.limits.timeoutMs,
      signal: ports.signal,
    })
    if (files.length === 0) {
      step.done('the image ships all of it')
      return { reason: 'the image ships all of it: the baseline as shipped is the one with bytecode' }
    }
    const layer = await withContainer(ports.engine, baseline.id, (container) =>
      packLayer(container, files, creationTime(baseline.config)),
    )
    const config = await ports.store.readConfig(baseline)
    const createdBy = `pycds-image ${TOOL_VERSION} bench`
    const created = creationText(baseline.config)
    const record = { diffId: layer.diffId, createdBy, comment: 'bytecode', created }
    const id = await ports.store.append(baseline, appendLayer(config, record, NOTHING), layer)
    step.done(`${files.length} files`)
    return { image: await ports.store.resolve(id) }
  })
}

/** Interpreter and modules of a bake. */
async function readBake(baked: SourceImage, { engine, archiver }: BenchPorts) {
  const known = await withContainer(engine, baked.id, (image) =>
    readModules(image, baked.reference, archiver),
  )
  if (!known) return undefined
  return {
    python: { executable: known.executable, optimize: optimizeOf(baked) },
    roots: known.served.map(({ name, origin }) => ({ name, path: origin, isPackage: false })),
    // What is imported before the hook is served by nothing, and is compiled at each start all the same.
    names: known.others,
  }
}

function optimizeOf(image: SourceImage): number {
  const value = environmentOf(image.config).PYTHONOPTIMIZE ?? ''
  return value === '' ? 0 : Math.min(2, Number.parseInt(value, 10) || 1)
}
