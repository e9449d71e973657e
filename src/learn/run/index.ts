// SPDX-License-Identifier: Apache-2.0
// The training run: watching a container, recording its imports, timing its start.
export { type RunParts, RunPaths, type TrainingPlace } from './files.js'
export { type HttpRequest, Inside } from './inside.js'
export type { ProbeResult, ProbeSpec } from './probes.js'
export {
  automaticReady,
  formatReady,
  healthCommand,
  type ReadyPlan,
  type ReadySpec,
  UNKNOWN_READY,
} from './ready.js'
export { Redactor } from './redact.js'
export type { TrainingSpec } from './spec.js'
export {
  plainStart,
  type Rights,
  reportStart,
  type Start,
  type StartEnd,
  type StartTimes,
  type TimedStart,
  timeStart,
} from './starts.js'
export { ALONE, type Surroundings } from './surroundings.js'
export { type CompileList, compileRun, importRun, type ModuleLocation, type PythonStart } from './tasks.js'
export { type Training, type TrainingOptions, train } from './train.js'
export { describeUnseen, hintFor, LOADER_FILE, lacksVariables, type Unseen } from './unseen.js'
export { untilEnd } from './until-end.js'
export { type RunLimits, type Watched, type WatchOptions, watch } from './watch.js'
export type { ProbedOptions, RunOptions } from './watch-run.js'
