// SPDX-License-Identifier: Apache-2.0
import type { Summary } from '../../util/statistics.js'

/** What is timed, from the start of the Python process that imports most. */
export type Metric = 'imports' | 'ready' | 'process'
export type Cache = 'warm' | 'cold'
/** `archive`: the baked image without its process snapshot, where it has one; `baked`: as it is. */
export type SubjectId = 'shipped' | 'bytecode' | 'archive' | 'baked'

/** Milliseconds. Null where a start has no such moment: a service does not end, a program binds no socket. */
export type Times = Record<Metric, Summary | null>

export interface BenchSubject {
  id: SubjectId
  title: string
  /** Id of the image that was started. */
  image: string
  warm: Times
  /** Null when it was not measured. */
  cold: Times | null
}

export interface BenchResult {
  schema: 'io.pycds.bench/1'
  image: { reference: string; id: string }
  baseline: { reference: string; id: string }
  runs: number
  subjects: BenchSubject[]
  /** Why there is no baseline with bytecode; null when there is one. */
  withoutBytecode: string | null
  /** Why there are no cold starts; null when there are. */
  withoutCold: string | null
  /** How many times as fast the baked image is, by what it is compared with. */
  speedups: { against: SubjectId; cache: Cache; metric: Metric; factor: number }[]
  /** The metric that tells most of this image: of its whole run, else until it is ready, else of its imports. */
  metric: Metric
  gate: { minSpeedup: number; speedup: number; ok: boolean } | null
  warnings: string[]
}
