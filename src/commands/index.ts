// SPDX-License-Identifier: Apache-2.0
import Bake from './bake.js'
import Bench from './bench.js'
import Completion from './completion.js'
import Doctor from './doctor.js'
import Generate from './generate.js'
import Inspect from './inspect.js'
import Prepare from './prepare.js'
import Step from './step.js'
import Trace from './trace.js'
import TraceDiff from './trace-diff.js'
import TraceImport from './trace-import.js'
import TraceMerge from './trace-merge.js'
import TracePull from './trace-pull.js'
import TracePush from './trace-push.js'
import Verify from './verify.js'

/** The verbs: for what is generated from them and for the command line from the sources; a build loads one at a time. */
export const COMMANDS = {
  bake: Bake,
  bench: Bench,
  completion: Completion,
  doctor: Doctor,
  generate: Generate,
  inspect: Inspect,
  prepare: Prepare,
  step: Step,
  trace: Trace,
  'trace:diff': TraceDiff,
  'trace:import': TraceImport,
  'trace:merge': TraceMerge,
  'trace:pull': TracePull,
  'trace:push': TracePush,
  verify: Verify,
}
