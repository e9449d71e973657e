// SPDX-License-Identifier: Apache-2.0
// Starts containers of a baked image the way careful people run them, counts what the runtime says of each module, and
// compares how they end with the image that it was baked from. Works on a read-only root.
import type { Counts, Limits, Missed, Report, Thawed } from '../artifact/artifact.js'
import { compareStarts, crashOf } from '../artifact/compare-starts.js'
import { listen } from '../artifact/trial.js'
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
import type { Ports } from '../ports/index.js'
import { findOriginal } from './original.js'

/** Any user that the image does not know. */
const FOREIGN_USER = '12345'

export interface VerifyRequest extends Limits {
  reference: string
  command?: string[]
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

export interface VerifyScenario extends VerifyOutcome, Counts {
  name: string
  ok: boolean
  reason: string | null
  missed: readonly Missed[]
  /** What it said of a process snapshot; null: nothing. */
  snapshot: Thawed | null
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
  ports.engine.showProgress?.(ports.progress)
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
  const report = listen()
  const start = await reportStart(
    engine,
    baked,
    {
      ...options,
      activity: async () => report.lines,
      onOutput: (stream, chunk) => {
        if (stream === 'stderr') report.add(chunk)
        progress.appOutput(stream, chunk)
      },
    },
    rights,
  )
  // A build step cannot set labels: only the runtime itself tells that it is there.
  if (!labelled && !report.heard && !crashOf(start)) throw notBaked(request.reference)
  const plain = await plainStart(engine, original, options, rights)
  const judged = judge(scenario, { start, plain, report }, request)
  if (judged.ok) step.done(report.brief)
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
  { start, plain, report }: { start: Start; plain: Start; report: Report },
  limits: Limits,
): VerifyScenario {
  const reason = compareStarts(start, plain, mustRun) ?? report.problem(limits)
  return {
    ...{ name, ok: reason === null, ...outcomeOf(start) },
    ...report.counts,
    ...{ reason, missed: report.missed, snapshot: report.thawed },
    probes: start.probes,
    original: outcomeOf(plain),
  }
}

function outcomeOf({ by, exitCode }: Start): VerifyOutcome {
  return { endedBy: by ?? null, exitCode }
}
