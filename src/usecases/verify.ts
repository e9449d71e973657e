// SPDX-License-Identifier: Apache-2.0
// Starts containers of a baked image the way careful people run them, counts what the runtime says of each module, and
// compares how they end with the image that it was baked from. Works on a read-only root.
import type { Counts, Limits, Missed, Report, Thawed } from '../artifact/kind/artifact.js'
import { compareStarts, crashOf } from '../artifact/kind/compare-starts.js'
import { startReporting } from '../artifact/kind/start.js'
import { startOriginal } from '../artifact/kind/start-original.js'
import { listen } from '../artifact/trial.js'
import { PycdsError } from '../errors/index.js'
import { nodeArchitecture } from '../image/index.js'
import { isBaked, learnsIn } from '../layer/labels.js'
import { type PythonSurroundings, surroundingsOf } from '../learn/find-python.js'
import {
  describeUnseen,
  hintFor,
  LOADER_FILE,
  type ProbeResult,
  type ProbeSpec,
  plainStart,
  type ReadySpec,
  type Rights,
  type RunLimits,
  type Start,
  type Surroundings,
  type TrainingOptions,
  type TrainingSpec,
} from '../learn/run/index.js'
import { planRuns, subjectOf } from '../learn/source.js'
import { whyUnseen } from '../learn/why-unseen.js'
import type { Ports } from '../ports/index.js'
import { withContainer } from '../ports/with-container.js'
import { present } from '../util/present.js'
import { quote } from '../util/quote.js'
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
interface VerifyPlan {
  request: VerifyRequest
  baked: TrainingSpec
  original: TrainingSpec
  options: TrainingOptions
  /** Whether the image says of itself that it was baked. */
  labelled: boolean
  /** Where its programs are looked for. */
  surroundings: PythonSurroundings
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
  if (learnsIn(image.config) !== undefined) throw onlyPrepared(request.reference)
  const injected = ports.archiver.injected(nodeArchitecture(image))
  const { spec: baked, ready } = planRuns(request, subjectOf(image), injected)
  const { image: source, switchedOff } = await findOriginal(image, ports.store)
  const plan: VerifyPlan = {
    request,
    baked,
    original: { ...baked, image: source.id },
    options: { ready, probes: request.probes, limits: request.limits, signal: ports.signal },
    labelled: isBaked(image.config),
    surroundings: { ...surroundingsOf(image.config), ...present({ command: request.command }) },
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
  { request, baked, original, options, labelled, surroundings }: VerifyPlan,
  ports: Ports,
): Promise<VerifyScenario> {
  const { engine, progress } = ports
  const { name, rights } = scenario
  const step = progress.step(`verify-${name.split(',')[0]}`, `Start it ${name}`)
  const asIs = await listenTo(baked, scenario, options, { engine, progress })
  const { start, report } = asIs.report.heard
    ? asIs
    : await listenHarder(asIs, baked, { scenario, surroundings }, options, ports)
  // A build step cannot set labels: only the runtime itself tells that it is there.
  if (!labelled && !report.heard && !crashOf(start)) throw notBaked(request.reference, start)
  const plainly = (ready = options.ready) =>
    orUnstarted(scenario, () => plainStart(engine, original, { ...options, ready }, rights))
  const plain = await startOriginal(start, plainly, options.limits)
  const judged = judge(scenario, { start, plain, report }, request)
  if (judged.ok) step.done(report.brief)
  else step.fail(judged.reason ?? 'failed')
  return judged
}

interface Heard {
  start: Start
  report: Report
}

/** Starts the image with its runtime reporting. */
async function listenTo(
  spec: TrainingSpec,
  scenario: Scenario,
  options: TrainingOptions,
  { engine, progress }: Pick<Ports, 'engine' | 'progress'>,
): Promise<Heard> {
  const report = listen()
  const shown: TrainingOptions = {
    ...options,
    onOutput: (stream, chunk) => progress.appOutput(stream, chunk),
  }
  const start = await orUnstarted(scenario, () =>
    startReporting(report, { engine, spec, options: shown }, scenario.rights),
  )
  return { start, report }
}

/** A program that another user may not execute has ended before it began. */
async function orUnstarted({ mustRun }: Scenario, start: () => Promise<Start>): Promise<Start> {
  try {
    return await start()
  } catch (error) {
    if (mustRun || !(error instanceof PycdsError) || error.code !== 'TRAINING_FAILED') throw error
    // Without the name of the container, which is another one for each image.
    const message = error.message.replace(/^container of .*?: (?=cannot be started)/, 'it ')
    const failure = new PycdsError(error.code, { message, hint: error.hint })
    const nothing = { by: undefined, exitCode: null, seconds: 0, activity: 0, warnings: [] }
    return { ...nothing, probes: [], unseen: [], failure }
  }
}

/**
 * Once more, for a Python that variables do not reach: told by the loader, it reports, or says why it does not. One that
 * came with a frozen application is told by its file. Where there is none the first start is as good.
 */
async function listenHarder(
  first: Heard,
  spec: TrainingSpec,
  { scenario, surroundings }: { scenario: Scenario; surroundings: PythonSurroundings },
  options: TrainingOptions,
  ports: Ports,
): Promise<Heard> {
  const { readOnly: _, ...rights } = scenario.rights
  const { list, hidden } = await withContainer(ports.engine, spec.image, async (image) => ({
    list: await image.readFile(LOADER_FILE),
    hidden: await whyUnseen(image, surroundings),
  }))
  if (hidden?.hiding === 'frozen') return { ...first, start: { ...first.start, unseen: [hidden] } }
  const told = { ...spec, loaderList: list?.toString() ?? '' }
  const second = await listenTo(told, { ...scenario, rights }, options, ports)
  // Without the tracer in LD_PRELOAD all of them have another one.
  const unseen = second.start.unseen.filter(({ hiding }) => hiding !== 'replaced')
  // How it ends is told by the first one: this one may write to its root.
  return unseen.length > 0 ? { start: { ...first.start, unseen }, report: second.report } : first
}

function onlyPrepared(reference: string): PycdsError {
  return new PycdsError('VERIFY_FAILED', {
    message: `image ${reference}: it is prepared: it holds no archive, its containers learn`,
    hint: 'Start it twice with a volume and PYCDS=report: the second start tells what was served (docs/learning.md).',
  })
}

function notBaked(reference: string, { unseen: [unseen] }: Start): PycdsError {
  if (unseen?.hiding === 'frozen') {
    return new PycdsError('VERIFY_FAILED', {
      message: `image ${reference}: it was not baked, and cannot be: ${describeUnseen(unseen)}`,
      hint: hintFor(unseen),
    })
  }
  return new PycdsError('VERIFY_FAILED', {
    message: `image ${reference}: it was not baked`,
    hint: `Bake it first: pycds-image bake ${quote(reference)}`,
  })
}

function judge(
  { name, mustRun }: Scenario,
  { start, plain, report }: { start: Start; plain: Start; report: Report },
  limits: Limits,
): VerifyScenario {
  // What cannot run as this user comes to no archive either.
  const isUsed = mustRun || report.heard || crashOf(start) === undefined
  const reason = compareStarts(start, plain, mustRun) ?? (isUsed ? problemOf(report, start, limits) : null)
  return {
    name,
    ok: reason === null,
    ...outcomeOf(start),
    ...report.counts,
    reason,
    missed: report.missed,
    snapshot: report.thawed,
    probes: start.probes,
    original: outcomeOf(plain),
  }
}

/** A Python that does not report is another matter where one has run. */
function problemOf(report: Report, { unseen: [unseen] }: Start, limits: Limits): string | null {
  if (report.heard || unseen === undefined) return report.problem(limits)
  return `its Python does not use the archive: ${describeUnseen(unseen)}`
}

function outcomeOf({ by, exitCode }: Start): VerifyOutcome {
  return { endedBy: by ?? null, exitCode }
}
