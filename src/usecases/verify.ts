// SPDX-License-Identifier: Apache-2.0
// Starts containers of a baked image the way careful people run them, counts what the runtime says of each module, and
// compares how they end with the image that it was baked from. Works on a read-only root.
import { PycdsError } from '../errors/index.js'
import { environmentOf, nodeArchitecture } from '../image/index.js'
import { isBaked } from '../layer/labels.js'
import {
  healthCommand,
  type ProbeResult,
  type ProbeSpec,
  plainStart,
  type ReadySpec,
  type Rights,
  type RunLimits,
  reportStart,
  type Start,
  type Surroundings,
  type TrainingOptions,
  type TrainingSpec,
} from '../learn/run/index.js'
import { planReady } from '../learn/training.js'
import { RuntimeLog } from '../measure/runtime-log.js'
import type { Ports } from '../ports/index.js'
import { compareStarts, crashOf } from './compare-starts.js'
import { findOriginal } from './original.js'

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
  probes: ProbeSpec[]
  limits: RunLimits
  surroundings: Surroundings
}

/** How a start ended. */
export interface VerifyOutcome {
  /** What ended it; null when it never became ready. */
  endedBy: string | null
  /** Null when it was stopped. */
  exitCode: number | null
}

export interface VerifyScenario extends VerifyOutcome {
  name: string
  ok: boolean
  served: number
  total: number
  /** Percent of the path-based modules that were imported. */
  hitRate: number
  reason: string | null
  missed: { name: string; reason: string }[]
  probes: ProbeResult[]
  /** The same start without an archive. */
  original: VerifyOutcome
}

export interface VerifyResult {
  schema: 'io.pycds.verify/1'
  image: { reference: string; id: string }
  /** What it was compared with; null: itself, without its archive. */
  original: { id: string } | null
  ok: boolean
  minHitRate: number | null
  scenarios: VerifyScenario[]
}

/** How every start is made and watched. */
interface RunPlan {
  request: VerifyRequest
  baked: TrainingSpec
  original: TrainingSpec
  options: TrainingOptions
  /** Whether the image says of itself that it was baked. */
  labelled: boolean
}

interface Scenario {
  name: string
  rights: Rights
  /** Another user may be one with whom the application cannot run at all. */
  mustRun: boolean
}

/** Runs every scenario; a failed one is part of the result, not an exception. */
export async function verify(request: VerifyRequest, ports: Ports): Promise<VerifyResult> {
  const image = await ports.store.resolve(request.reference)
  const { image: source, switchedOff } = await findOriginal(image, ports.store)
  const { tracer, probe } = ports.archiver.injected(nodeArchitecture(image))
  const baked: TrainingSpec = {
    image: image.id,
    ...(request.command ? { command: request.command } : {}),
    preload: environmentOf(image.config).LD_PRELOAD,
    health: healthCommand(image.config),
    surroundings: request.surroundings,
    ...{ tracer, probe },
  }
  const ready = planReady(request, image.config)
  const plan: RunPlan = {
    request,
    baked,
    original: { ...baked, image: source.id },
    options: { ready, probes: request.probes, limits: request.limits, signal: ports.signal },
    labelled: isBaked(image.config),
  }
  const user = request.user ?? FOREIGN_USER
  const scenarios: VerifyScenario[] = []
  for (const scenario of [
    { name: 'as the image is', rights: {}, mustRun: true },
    {
      name: `as user ${user}, read-only, without capabilities`,
      rights: { user, readOnly: true, dropCapabilities: true },
      mustRun: false,
    },
  ]) {
    scenarios.push(await runScenario(scenario, plan, ports))
  }
  return {
    schema: 'io.pycds.verify/1',
    image: { reference: request.reference, id: image.id },
    original: switchedOff ? null : { id: source.id },
    ok: scenarios.every((scenario) => scenario.ok),
    minHitRate: request.minHitRate ?? null,
    scenarios,
  }
}

async function runScenario(
  scenario: Scenario,
  { request, baked, original, options, labelled }: RunPlan,
  { engine, progress }: Ports,
): Promise<VerifyScenario> {
  const { name, rights } = scenario
  const step = progress.step(`verify-${name.split(',')[0]}`, `Start it ${name}`)
  const log = new RuntimeLog()
  const start = await reportStart(
    engine,
    baked,
    {
      ...options,
      activity: async () => log.lines,
      onOutput: (stream, chunk) => {
        if (stream === 'stderr') log.add(chunk)
        progress.appOutput(stream, chunk)
      },
    },
    rights,
  )
  // A build step cannot set labels: only the runtime itself tells that it is there.
  if (!labelled && !log.rejected && log.total === 0 && !crashOf(start)) throw notBaked(request.reference)
  const plain = await plainStart(engine, original, options, rights)
  const judged = judge(scenario, { start, plain, log }, request.minHitRate ?? DEFAULT_MIN_HIT_RATE)
  if (judged.ok) step.done(`${judged.served} of ${judged.total}`)
  else step.fail(judged.reason ?? 'failed')
  return judged
}

function notBaked(reference: string): PycdsError {
  return new PycdsError('VERIFY_FAILED', {
    message: `image ${reference}: it was not baked`,
    hint: `Bake it first: pycds-image bake ${reference}`,
  })
}

function judge(
  { name, mustRun }: Scenario,
  { start, plain, log }: { start: Start; plain: Start; log: RuntimeLog },
  minimum: number,
): VerifyScenario {
  const { served, total, hitRate, missed } = log
  const reason = compareStarts(start, plain, mustRun) ?? archiveProblem(log, minimum)
  return {
    ...{ name, ok: reason === null, ...outcomeOf(start) },
    ...{ served, total, hitRate, reason, missed },
    probes: start.probes,
    original: outcomeOf(plain),
  }
}

function outcomeOf({ by, exitCode }: Start): VerifyOutcome {
  return { endedBy: by ?? null, exitCode }
}

function archiveProblem({ rejected, total, hitRate }: RuntimeLog, minimum: number): string | null {
  if (rejected) return `the archive was refused: ${rejected}`
  if (total === 0) return NO_REPORT
  return hitRate < minimum ? `the hit rate ${hitRate.toFixed(1)} % is below ${minimum} %` : null
}
