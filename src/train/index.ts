// SPDX-License-Identifier: Apache-2.0
// The training run: watching a container, recording its imports, timing its start.
export { DEFAULT_READY, formatReady, type ReadySpec } from './ready.js'
export type { TracedModule, TracedProcess, TracedPython } from './trace.js'
export {
  RUNTIME_VARIABLES,
  type TimedStart,
  type Training,
  type TrainingPlace,
  type TrainingSpec,
  timeStart,
  train,
} from './train.js'
export { type Watched, type WatchOptions, watch } from './watch.js'
