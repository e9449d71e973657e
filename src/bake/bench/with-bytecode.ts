// SPDX-License-Identifier: Apache-2.0
// The second baseline: the image as it would be with bytecode for all that it imports. What an image gains that ships
// none is mostly that, and nobody should have to guess how much.
import { appendLayer } from '../../image/index.js'
import { compileBytecode } from '../bytecode/index.js'
import { withContainer } from '../container.js'
import { ARCHIVE_PATH, MANIFEST_PATH, packLayer } from '../layer.js'
import type { SourceImage } from '../ports.js'
import { TOOL_VERSION } from '../version.js'
import type { BenchPorts, BenchRequest } from './bench.js'
import type { Pair } from './images.js'

/** The configuration stays as it is. */
const NOTHING = { env: {}, labels: {} }

/** An untagged image that the caller removes, or why there is none. */
export type WithBytecode = { image: SourceImage } | { reason: string }

/** Adds bytecode to the baseline for every module that the archive of the baked image holds. */
export async function addAllBytecode(
  { baked, baseline, switchedOff }: Pair,
  request: BenchRequest,
  ports: BenchPorts,
): Promise<WithBytecode> {
  if (switchedOff) return { reason: 'the image it was baked from is not here' }
  const known = await readBake(baked, ports)
  if (!known) return { reason: `${request.reference} holds no archive that tells which modules it imports` }
  const step = ports.progress.step('bench-bytecode', 'Compile bytecode for a second baseline')
  try {
    const { files } = await compileBytecode(ports.engine, {
      image: baseline.id,
      ...known,
      ...{ skip: [], onlyWithout: false, validate: 'stat' },
      ...{ timeoutMs: request.timeoutMs, signal: ports.signal },
    })
    if (files.length === 0) {
      step.done('the image ships all of it')
      return { reason: 'the image ships all of it: the baseline as shipped is the one with bytecode' }
    }
    const created = baseline.config.created ?? new Date(0).toISOString()
    const layer = await withContainer(ports.engine, baseline.id, (container) =>
      packLayer(container, files, new Date(created)),
    )
    const config = await ports.store.readConfig(baseline)
    const createdBy = `pycds-image ${TOOL_VERSION} bench`
    const changed = appendLayer(
      config,
      { diffId: layer.diffId, createdBy, comment: 'bytecode', created },
      NOTHING,
    )
    const id = await ports.store.append(baseline, changed, layer)
    step.done(`${files.length} files`)
    return { image: await ports.store.resolve(id) }
  } catch (error) {
    step.fail('failed')
    throw error
  }
}

interface Manifest {
  python?: { executable?: string }
  leftOut?: { name: string; reason: string }[]
}

/** Interpreter and modules of a bake. */
async function readBake(baked: SourceImage, { engine, archiver }: BenchPorts) {
  const { archive, manifest } = await withContainer(engine, baked.id, async (container) => ({
    archive: await container.readFile(ARCHIVE_PATH),
    manifest: await container.readFile(MANIFEST_PATH),
  }))
  if (!archive || !manifest) return undefined
  const { modules } = archiver.describe(baked.reference, archive)
  const { python, leftOut = [] } = JSON.parse(manifest.toString()) as Manifest
  if (python?.executable === undefined) return undefined
  return {
    python: { executable: python.executable, optimize: optimizeOf(baked) },
    roots: modules.map(({ name, origin }) => ({ name, path: origin, isPackage: false })),
    // What is imported before the hook is not in the archive, and is compiled at each start all the same.
    names: leftOut.map(({ name }) => name).filter((name) => /^[\w.]+$/.test(name)),
  }
}

function optimizeOf(image: SourceImage): number {
  const entry = image.config.config?.Env?.find((text) => text.startsWith('PYTHONOPTIMIZE='))
  const value = entry?.slice('PYTHONOPTIMIZE='.length) ?? ''
  return value === '' ? 0 : Math.min(2, Number.parseInt(value, 10) || 1)
}
