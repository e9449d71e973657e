#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Writes docs/schemas from the types of what --json prints, of traces and of progress events, and from the
// options of bake for pycds-image.yaml. Needs `npm run build:tests` for the last one.
//
//   node scripts/gen-schemas.mjs            writes the files
//   node scripts/gen-schemas.mjs --check    writes nothing; ends with 1 when one of them is outdated
import { fileURLToPath } from 'node:url'
import { createGenerator } from 'ts-json-schema-generator'
import { update } from './generated.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** File of the schema: where its type is. */
const TYPES = {
  bake: ['src/usecases/result.ts', 'BakeResult'],
  'bake-platforms': ['src/usecases/result.ts', 'BakePlatformsResult'],
  bakes: ['src/usecases/fleet/outcome.ts', 'BakesResult'],
  'bakes-plan': ['src/usecases/fleet/plan.ts', 'BakesPlan'],
  bench: ['src/usecases/bench/result.ts', 'BenchResult'],
  doctor: ['src/usecases/doctor.ts', 'DoctorResult'],
  completion: ['src/commands/completion.ts', 'CompletionResult'],
  error: ['src/errors/render.ts', 'ErrorDocument'],
  generate: ['src/usecases/generate/generate.ts', 'GenerateResult'],
  inspect: ['src/usecases/inspect.ts', 'InspectResult'],
  'inspect-directory': ['src/usecases/learned-directory.ts', 'InspectDirectoryResult'],
  manifest: ['src/artifact/kind/manifest.ts', 'Manifest'],
  plan: ['src/usecases/plan.ts', 'PlanResult'],
  prepare: ['src/usecases/prepare.ts', 'PrepareResult'],
  'prepare-root': ['src/usecases/prepare.ts', 'PrepareRootResult'],
  progress: ['src/log/rawjson.ts', 'ProgressEvent'],
  record: ['src/usecases/record.ts', 'RecordResult'],
  step: ['src/usecases/step.ts', 'StepResult'],
  trace: ['src/learn/trace/trace-file.ts', 'Trace'],
  'image-result': ['src/commands/cli/results-directory.ts', 'ResultFile'],
  unchanged: ['src/usecases/unchanged.ts', 'UnchangedResult'],
  'trace-diff': ['src/learn/trace/traces.ts', 'TraceDiff'],
  'trace-push': ['src/usecases/trace-artifact.ts', 'TracePushResult'],
  'trace-pull': ['src/usecases/trace-artifact.ts', 'TracePullResult'],
  'trace-import': ['src/usecases/learned-directory.ts', 'ImportResult'],
  'trace-merge': ['src/learn/trace/traces.ts', 'MergeResult'],
  verify: ['src/usecases/verify.ts', 'VerifyResult'],
}

async function schemas() {
  // One for all: most of the time goes to reading the sources.
  const generator = createGenerator({
    path: `${ROOT}{${[...new Set(Object.values(TYPES).map(([path]) => path))].join(',')}}`,
    tsconfig: `${ROOT}tsconfig.json`,
    expose: 'none',
    topRef: false,
    skipTypeCheck: true,
  })
  const found = Object.entries(TYPES).map(([name, [, type]]) => [name, generator.createSchema(type)])
  const { default: Bake } = await import('../build/src/commands/bake.js')
  const { optionsOf } = await import('../build/src/commands/cli/config-flags.js')
  const { configSchema } = await import('../build/src/config/index.js')
  return [...found, ['config', configSchema(optionsOf(Bake.flags))]]
}

const files = (await schemas()).map(([name, schema]) => [
  `docs/schemas/${name}.json`,
  `${JSON.stringify(schema, undefined, 2)}\n`,
])
update(Object.fromEntries(files), 'npm run gen:schemas')
