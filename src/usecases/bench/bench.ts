// SPDX-License-Identifier: Apache-2.0
// Before and after, for people who decide: both baselines, warm and cold, and a limit for CI.
import { readBaked } from '../../artifact/kind/baked.js'
import { PycdsError } from '../../errors/index.js'
import { nodeArchitecture } from '../../image/index.js'
import type { TrainingSpec } from '../../learn/run/index.js'
import { specOf, subjectOf } from '../../learn/source.js'
import { SETTLED_MS } from '../../measure/measure.js'
import type { SourceImage } from '../../ports/index.js'
import { withContainer } from '../../ports/with-container.js'
import { judge, mainMetric, speedups } from './compare.js'
import { findPair, type Pair } from './images.js'
import type { BenchPorts, BenchRequest } from './request.js'
import type { BenchResult, BenchSubject, SubjectId } from './result.js'
import { runRounds } from './rounds.js'
import { addAllBytecode, type WithBytecode } from './with-bytecode.js'

interface Subject {
  id: SubjectId
  title: string
  image: SourceImage
  /** For its starts alone. */
  env?: Readonly<Record<string, string>>
  /** Its processes are timed by their runtime: a snapshot is not used beside the tracer. */
  runtimeClock?: boolean
}

/** Measures; a missed limit is part of the result. What was made for it is removed. */
export async function bench(request: BenchRequest, ports: BenchPorts): Promise<BenchResult> {
  ports.engine.showProgress?.(ports.progress)
  const made: string[] = []
  try {
    const pair = await findPair(request, ports)
    if (pair.temporary) made.push(pair.baked.id)
    for (const warning of pair.warnings) ports.progress.warn(warning)
    const bytecode = await addAllBytecode(pair, request, ports)
    if ('image' in bytecode) made.push(bytecode.image.id)
    const { manifest } = await withContainer(ports.engine, pair.baked.id, readBaked)
    const subjects = subjectsOf(pair, bytecode, manifest?.snapshot !== undefined)
    return await measureAll(request, { pair, bytecode, subjects }, ports)
  } finally {
    for (const id of made) await ports.store.remove(id).catch(() => undefined) // the first error says more
  }
}

/** Those of one image follow each other; the baked one as it is comes last. */
function subjectsOf(
  { baked, baseline, switchedOff }: Pair,
  bytecode: WithBytecode,
  hasSnapshot: boolean,
): Subject[] {
  const shipped = { id: 'shipped', title: 'as shipped', image: baseline } as const
  return [
    switchedOff ? { ...shipped, env: { PYCDS: 'off' } } : shipped,
    ...('image' in bytecode
      ? [{ id: 'bytecode', title: 'with bytecode', image: bytecode.image } as const]
      : []),
    ...(hasSnapshot
      ? [
          {
            ...({ id: 'archive', title: 'archive alone', image: baked, runtimeClock: true } as const),
            env: { PYCDS_SNAPSHOT: 'off' },
          },
          { id: 'baked', title: 'with snapshot', image: baked, runtimeClock: true } as const,
        ]
      : [{ id: 'baked', title: 'baked', image: baked } as const]),
  ]
}

interface Comparison {
  pair: Pair
  bytecode: WithBytecode
  subjects: readonly Subject[]
}

async function measureAll(
  request: BenchRequest,
  { pair, bytecode, subjects }: Comparison,
  ports: BenchPorts,
): Promise<BenchResult> {
  const { baked, baseline, warnings } = pair
  const rounds = {
    reference: request.reference,
    starts: subjects.map((subject) => ({
      title: subject.title,
      spec: toSpec(subject, request, ports),
      runtimeClock: subject.runtimeClock === true,
    })),
    runs: request.runs,
    watch: {
      ready: {
        specs:
          request.ready.length > 0
            ? request.ready
            : [{ kind: 'exit' } as const, { kind: 'quiet', ms: SETTLED_MS } as const],
      },
      limits: request.limits,
      signal: ports.signal,
    },
    dropCaches: () => ports.pageCache.drop(),
  }
  const warm = await runRounds(ports.engine, { ...rounds, cache: 'warm' }, ports.progress)
  if (!warm) throw nothingTimed(request)
  const withoutCold = (await ports.pageCache.refusal(await ports.engine.describe())) ?? null
  const cold =
    withoutCold === null
      ? await runRounds(ports.engine, { ...rounds, cache: 'cold' }, ports.progress)
      : undefined
  const measured = subjects.flatMap(({ id, title, image }, index): BenchSubject[] => {
    const times = warm[index]
    return times ? [{ id, title, image: image.id, warm: times, cold: cold?.[index] ?? null }] : []
  })
  const factors = speedups(measured)
  const metric = mainMetric(measured)
  return {
    schema: 'io.pycds.bench/1',
    image: { reference: request.reference, id: baked.id },
    baseline: { reference: request.baseline ?? baseline.reference, id: baseline.id },
    runs: request.runs,
    subjects: measured,
    metric,
    warnings,
    withoutCold,
    withoutBytecode: 'reason' in bytecode ? bytecode.reason : null,
    speedups: factors,
    gate: judge(request.minSpeedup, metric, factors),
  }
}

function toSpec({ image, env }: Subject, request: BenchRequest, { archiver }: BenchPorts): TrainingSpec {
  const { surroundings } = request
  const inside = { ...surroundings, env: { ...surroundings.env, ...env } }
  const injected = archiver.injected(nodeArchitecture(image))
  return specOf({ ...request, surroundings: inside }, subjectOf(image), injected)
}

function nothingTimed({ reference }: BenchRequest): PycdsError {
  return new PycdsError('NO_PYTHON', {
    message: `image ${reference}: no Python process was seen in one of the starts`,
    hint: 'Give the command that starts Python after `--`, for example `-- python3 -m app`.',
  })
}
