// SPDX-License-Identifier: Apache-2.0
// What is asked of every kind of artifact, beside what a layer asks. Each kind answers in a folder of its own, with
// what it has to say; content, facts, trial and describe put the answers together. Whoever is outside asks these.
import type { Artifact } from '../../layer/artifact.js'
import type { TrainingOptions, TrainingSpec } from '../../learn/run/index.js'
import type { Progress } from '../../log/index.js'
import type { Gate } from '../../measure/gates.js'
import type { Engine } from '../../ports/index.js'

/** An artifact that a bake has made. */
export interface MadeArtifact<Summary, Noted> extends Artifact {
  /**
   * What results tell of it.
   * @param folder as for the files.
   */
  summary(folder: string): Summary
  /** Its part of the manifest. */
  readonly noted: Noted
}

/** A line of a block of text: `modules   309 archived`. */
export type Fact = [name: string, value: string]

/** The end of which work is told in text; a dry run has written nothing. */
export type Occasion = { after: 'bake'; image: string } | { after: 'dry run' } | { after: 'step' }

/** How an artifact is told of in text. */
export interface Facts<Summary> {
  made(summary: Summary, occasion: Occasion): Fact[]
  /** Where it lies, where that is one place. */
  place(summary: Summary): Fact[]
}

/** Limits that artifacts have to keep; absent: none. */
export interface Limits {
  /** Percent of the path-based modules that were imported. */
  minHitRate?: number
}

/** A module that was not served by its artifact, or a part that is not in it. */
export interface Missed {
  name: string
  reason: string
}

/** What a start took from the artifacts of its image, in numbers. */
export interface Counts {
  served: number
  total: number
  /** Percent of the path-based modules that were imported. */
  hitRate: number
}

/** A module that waits in a snapshot, and was imported as ever all the same. */
export interface NotReady {
  /** What an import statement named. */
  name: string
  /** The module that did not fit, which that needs. */
  because: string
  reason: string
}

/** What a start said of the process snapshot of its image. */
export interface Thawed {
  /** Processes that went on in it. */
  processes: number
  /** How many of them did so at once, behind the program in front of the entrypoint. */
  atOnce: number
  /** Modules that import statements found ready there; they count as served. */
  modules: number
  /** Import statements that led to modules of the snapshot, as PYCDS=report counts them. */
  statements: number
  /** Those of them that did not find their modules ready; what they brought is not among the modules. */
  notReady: readonly NotReady[]
  /** Of one thaw, in the middle; null: there was none. */
  milliseconds: number | null
  /** Why no process used it, though it is for one of them; null: one did, or it is for none. */
  refusal: string | null
  /** Why the entrypoint of an image that is to go on in it at once started Python first; null: it did not. */
  notAtOnce: string | null
}

/** Listens to what the runtime in a container says of artifacts. */
export interface Report {
  /** Grows for as long as something happens. */
  readonly lines: number
  /** Whether there is anything that the runtime told. */
  readonly heard: boolean
  readonly counts: Counts
  readonly missed: readonly Missed[]
  /** Null where nothing was said of a snapshot. */
  readonly thawed: Thawed | null
  /** Why the whole archive was not used. */
  readonly rejected: string | undefined
  /** In a few words, for a line of progress. */
  readonly brief: string
  /** Takes a piece of what was written to stderr. */
  add(chunk: Buffer, stream?: 'stdout' | 'stderr'): void
  /** What is wrong with how the artifacts served; null: nothing. */
  problem(limits: Limits): string | null
}

/** A new image that has no name yet, and how to start it. */
export interface Trial {
  engine: Engine
  spec: TrainingSpec
  /** The same start of the image that it was made from. */
  original: TrainingSpec
  options: TrainingOptions
  progress: Progress
}

/** What trying the new image gave, as results tell it. */
export interface Checks {
  /** Null unless a limit for it was asked for. */
  hitRate: { served: number; total: number; percent: number } | null
}

export interface Checked {
  checks: Checks
  /** How a start went otherwise than that of the original, as a sentence; null: it did not, or there was none. */
  difference: string | null
  gates: Gate[]
}
