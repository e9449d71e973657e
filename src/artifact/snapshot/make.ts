// SPDX-License-Identifier: Apache-2.0
// A snapshot of the interpreter of an image, with its libraries imported. It is made in containers of the image that it is
// for, which holds everything else by then.
import type { TrainingSpec } from '../../learn/run/index.js'
import type { PythonGroup } from '../../learn/select/interpreter.js'
import type { ModuleSelection } from '../../learn/select/modules.js'
import { during } from '../../log/index.js'
import { SNAPSHOT_LIBRARY_NAME } from '../../marks/marks.js'
import { SNAPSHOT_NAME } from '../../marks/places.js'
import type { Freezer, LayerFile, RunPorts } from '../../ports/index.js'
import type { MadeArtifact } from '../kind/artifact.js'
import type { Manifest, SnapshotLeftOut } from '../kind/manifest.js'
import type { LeftOut } from './blame.js'
import { FAULTS } from './faults.js'
import { CannotFreeze, type Frozen, freeze, WATCH_NAME } from './freeze.js'
import type { SnapshotCpu, SnapshotLaunch, SnapshotOptions } from './options.js'
import { idlePatterns, planSnapshot, type SnapshotPlan } from './plan.js'
import type { MainProgram } from './programs.js'
import { Room } from './room.js'
import { whyNotOfVersion } from './supported.js'
import { type Processor, type Thaws, TRIAL } from './thaws.js'

/** A snapshot that was asked for, as results tell it. */
export interface SnapshotSummary {
  /** Null where none is shipped. */
  path: string | null
  /** Why none is, as a sentence; null where one is. */
  reason: string | null
  bytes: number
  /** What it adds to the layer, compressed; null where that is not known. */
  compressedBytes: number | null
  /** Modules that are ready in it. */
  modules: number
  /** Programs that go on in it. */
  programs: MainProgram[]
  /** As it was asked for. */
  cpu: SnapshotCpu
  /**
   * How it was tried: starts in a hardened container, the median of what a thaw took, and what the processor had to do until
   * everything was imported, with the snapshot and from the archive alone.
   */
  thaws: { starts: number; milliseconds: number; user: string | null; processor: Processor | null } | null
  /**
   * What goes on in it; where the entrypoint was to, and does not, why, as a sentence. Null where none is shipped.
   */
  launch: { by: SnapshotLaunch; reason: string | null } | null
  /** Modules that start as ever, and why. */
  leftOut: SnapshotLeftOut[]
}

export interface SnapshotInput {
  options: SnapshotOptions
  python: PythonGroup
  selection: ModuleSelection
  /** How the application was trained; its variables are in no container of this. */
  spec: Pick<TrainingSpec, 'preload' | 'surroundings'>
  /** Variables that the engine has added to those of the training run. */
  given?: Readonly<Record<string, string>>
  /** What containers are made of: an image that holds everything but the snapshot. */
  image: string
  /** Where files of the work lie, if not in a directory of the root. */
  folder?: string
  /** Where the snapshot will lie. */
  place: string
  /** Of the files that the image gets. */
  mtime: Date
  timeoutMs: number
}

type SnapshotNote = Pick<Manifest, 'snapshot'>

export interface SnapshotArtifact extends MadeArtifact<SnapshotSummary, SnapshotNote> {
  readonly plan: SnapshotPlan
}

/** Why none is made, with what is known of it; as results tell it. */
export function noSnapshot(
  { cpu }: Pick<SnapshotOptions, 'cpu'>,
  reason: string,
  leftOut: readonly SnapshotLeftOut[] = [],
): SnapshotSummary {
  const nothing = {
    path: null,
    bytes: 0,
    compressedBytes: null,
    modules: 0,
    programs: [],
    thaws: null,
    launch: null,
  }
  return { ...nothing, reason, cpu, leftOut: [...leftOut] }
}

/** @returns why there can be none, where there can be none */
export async function makeSnapshot(
  input: SnapshotInput,
  freezer: Freezer,
  ports: Pick<RunPorts, 'engine' | 'progress' | 'signal'>,
): Promise<SnapshotArtifact | string> {
  const unknown = whyNotOfVersion(input.python.python.version)
  if (unknown !== undefined) return unknown
  for (const warning of idlePatterns(input)) ports.progress.warn(warning)
  const secrets = input.spec.surroundings?.env ?? {}
  const plan = planSnapshot({ ...input, secrets, given: input.given ?? {} })
  if (typeof plan === 'string') return plan
  return await during(ports.progress, ['snapshot', 'Freeze the interpreter'], async (step) => {
    const { options, spec, timeoutMs } = input
    const library = libraryIn(input.place, freezer)
    const room = {
      ...roomOf(input, plan),
      files: { [WATCH_NAME]: freezer.watch },
      present: [{ ...library, mtime: input.mtime }],
      signal: ports.signal,
    }
    const wanted = { plan, preload: spec.preload, library: library.path, trials: [TRIAL], timeoutMs }
    try {
      const frozen = await Room.with(ports.engine, room, (opened) =>
        freeze(opened, { ...wanted, exclude: options.exclude, cpu: options.cpu }, step),
      )
      step.done(`${frozen.modules.length} modules, ${frozen.leftOut.length} left out`)
      return artifactOf(frozen, options, freezer)
    } catch (error) {
      if (!(error instanceof CannotFreeze)) throw error
      step.fail('it cannot be frozen')
      return error.message
    }
  })
}

/** In what containers its interpreter is started. */
export function roomOf(
  { image, folder }: Pick<SnapshotInput, 'image' | 'folder'>,
  { python }: SnapshotPlan,
): { image: string; python: string; folder?: string } {
  return { image, python, ...(folder === undefined ? {} : { folder }) }
}

/** What a frozen process goes on in, beside its own memory: the first file that is mapped for a snapshot. */
function libraryIn(folder: string, { freeze: body }: Freezer): LayerFile {
  return { path: `${folder}/${SNAPSHOT_LIBRARY_NAME}`, mode: 0o444, body }
}

function artifactOf(
  { file, plan, modules, leftOut }: Frozen,
  { cpu }: SnapshotOptions,
  freezer: Freezer,
): SnapshotArtifact {
  const told = leftOut.map(tell)
  const programs = plan.programs.map(({ kind, text }) => ({ kind, text }))
  return {
    kind: 'snapshot',
    plan,
    files: (folder) => [
      { path: `${folder}/${SNAPSHOT_NAME}`, mode: 0o444, body: file },
      libraryIn(folder, freezer),
    ],
    // It is found beside the archive.
    environment: () => ({}),
    labels: {},
    noted: {
      snapshot: {
        bytes: file.length,
        python: plan.python,
        options: plan.options,
        ...(Object.keys(plan.environment).length === 0 ? {} : { environment: plan.environment }),
        modules,
        programs,
        cpu,
        leftOut: told,
      },
    },
    summary: (folder) => ({
      path: `${folder}/${SNAPSHOT_NAME}`,
      reason: null,
      bytes: file.length,
      compressedBytes: null,
      modules: modules.length,
      programs,
      cpu,
      thaws: null,
      launch: { by: 'hook', reason: null },
      leftOut: told,
    }),
  }
}

function tell({ name, reason, detail, because, milliseconds }: LeftOut): SnapshotLeftOut {
  return {
    name,
    code: reason,
    reason: `its import ${FAULTS[reason] ?? reason}`,
    detail,
    because,
    milliseconds,
  }
}

/** How results tell of thaws. */
export function tellThaws({
  starts,
  milliseconds,
  user,
  processor,
}: Thaws): NonNullable<SnapshotSummary['thaws']> {
  return { starts, milliseconds, user: user ?? null, processor: processor ?? null }
}
