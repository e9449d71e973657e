// SPDX-License-Identifier: Apache-2.0
// Starts containers of a baked image the way careful people run them, and counts what the
// runtime says of each module. Works on a read-only root, since it only reads stderr.
import { PycdsError } from '../errors/index.js'
import { nodeArchitecture } from '../image/index.js'
import { isBaked } from '../layer/labels.js'
import {
  healthCommand,
  Inside,
  type ReadyPlan,
  type ReadySpec,
  type RunLimits,
  RunPaths,
  watch,
} from '../learn/run/index.js'
import { planReady } from '../learn/training.js'
import { RuntimeLog } from '../measure/runtime-log.js'
import type { ContainerSpec, Ports } from '../ports/index.js'

/** Any user that the image does not know. */
const FOREIGN_USER = '12345'
/** Below this an archive does not do what it is for. */
const DEFAULT_MIN_HIT_RATE = 1

const NO_REPORT = 'the runtime did not report: no Python with the hook was started'

export interface VerifyRequest {
  reference: string
  command?: string[]
  /** Percent. */
  minHitRate?: number
  /** For the scenario with another user. */
  user?: string
  /** Empty: as the image suggests. */
  ready: ReadySpec[]
  limits: RunLimits
}

export interface VerifyScenario {
  name: string
  ok: boolean
  served: number
  total: number
  /** Percent of the path-based modules that were imported. */
  hitRate: number
  reason: string | null
  missed: { name: string; reason: string }[]
}

export interface VerifyResult {
  schema: 'io.pycds.verify/1'
  image: { reference: string; id: string }
  ok: boolean
  minHitRate: number | null
  scenarios: VerifyScenario[]
}

/** How every start is made and watched. */
interface RunPlan {
  request: VerifyRequest
  ready: ReadyPlan
  health: readonly string[] | undefined
  /** What looks at ports, where any is looked at. */
  files: ContainerSpec['files']
}

function looksAtPorts({ specs }: ReadyPlan): boolean {
  return specs.some(({ kind }) => kind === 'port' || kind === 'http')
}

/** Runs every scenario; a failed one is part of the result, not an exception. */
export async function verify(request: VerifyRequest, ports: Ports): Promise<VerifyResult> {
  const image = await ports.store.resolve(request.reference)
  const labelled = isBaked(image.config)
  const ready = planReady(request, image.config)
  const plan: RunPlan = {
    ...{ request, ready, health: healthCommand(image.config) },
    files: looksAtPorts(ready)
      ? new RunPaths().probeEntries(ports.archiver.injected(nodeArchitecture(image)).probe)
      : [],
  }
  const careful = { user: request.user ?? FOREIGN_USER, readOnly: true, dropCapabilities: true }
  const scenarios: VerifyScenario[] = []
  for (const [name, extra] of [
    ['as the image is', {}],
    [`as user ${careful.user}, read-only, without capabilities`, careful],
  ] as const) {
    const scenario = await runScenario(name, { image: image.id, ...extra }, plan, ports)
    // A build step cannot set labels: only the runtime itself tells that it is there.
    if (!labelled && scenario.reason === NO_REPORT) throw notBaked(request.reference)
    scenarios.push(scenario)
  }
  return {
    schema: 'io.pycds.verify/1',
    image: { reference: request.reference, id: image.id },
    ok: scenarios.every((scenario) => scenario.ok),
    minHitRate: request.minHitRate ?? null,
    scenarios,
  }
}

function notBaked(reference: string): PycdsError {
  return new PycdsError('VERIFY_FAILED', {
    message: `image ${reference}: it was not baked`,
    hint: `Bake it first: pycds-image bake ${reference}`,
  })
}

async function runScenario(
  name: string,
  spec: Pick<ContainerSpec, 'image' | 'user' | 'readOnly' | 'dropCapabilities'>,
  { request, ready, health, files }: RunPlan,
  ports: Ports,
): Promise<VerifyScenario> {
  const step = ports.progress.step(`verify-${name.split(',')[0]}`, `Start it ${name}`)
  const log = new RuntimeLog()
  const container = await ports.engine.create({
    ...spec,
    ...(request.command ? { command: request.command } : {}),
    env: { PYCDS: 'report', PYCDS_LOG: 'modules' },
    network: 'none',
    files,
  })
  let failure: PycdsError | undefined
  try {
    const watched = await watch(container, {
      ready,
      limits: request.limits,
      signal: ports.signal,
      activity: async () => log.lines,
      inside: new Inside(container, new RunPaths().probe, undefined),
      health,
      onOutput: (stream, chunk) => {
        if (stream === 'stderr') log.add(chunk)
        ports.progress.appOutput(stream, chunk)
      },
    })
    failure = watched.failure
  } finally {
    await ports.engine.remove(container)
  }
  const scenario = judge(name, log, request.minHitRate ?? DEFAULT_MIN_HIT_RATE, failure)
  if (scenario.ok) step.done(`${scenario.served} of ${scenario.total}`)
  else step.fail(scenario.reason ?? 'failed')
  return scenario
}

function judge(
  name: string,
  log: RuntimeLog,
  minimum: number,
  failure: PycdsError | undefined,
): VerifyScenario {
  const { served, total, hitRate } = log
  let reason: string | null = null
  if (failure) reason = failure.message
  else if (log.rejected) reason = `the archive was refused: ${log.rejected}`
  else if (total === 0) reason = NO_REPORT
  else if (hitRate < minimum) reason = `the hit rate ${hitRate.toFixed(1)} % is below ${minimum} %`
  return { name, ok: reason === null, served, total, hitRate, reason, missed: log.missed }
}
