#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Writes docs/schemas from the types of what --json prints, of traces and of progress events, and from the
// options of bake for pycds-image.yaml. Needs `npm run build:ts` for the last one.
//
//   node scripts/gen-schemas.mjs            writes the files
//   node scripts/gen-schemas.mjs --check    writes nothing; ends with 1 when one of them is outdated
import { fileURLToPath } from 'node:url'
import { createGenerator } from 'ts-json-schema-generator'
import { update } from './generated.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** File of the schema: where its type is. */
const TYPES = {
  bake: ['src/bake/result.ts', 'BakeResult'],
  'bake-platforms': ['src/bake/result.ts', 'BakePlatformsResult'],
  bakes: ['src/commands/bake-many.ts', 'BakesResult'],
  bench: ['src/bake/bench/result.ts', 'BenchResult'],
  doctor: ['src/bake/doctor.ts', 'DoctorResult'],
  error: ['src/errors/render.ts', 'ErrorDocument'],
  generate: ['src/bake/generate/generate.ts', 'GenerateResult'],
  inspect: ['src/bake/inspect.ts', 'InspectResult'],
  progress: ['src/log/rawjson.ts', 'ProgressEvent'],
  record: ['src/bake/record.ts', 'RecordResult'],
  step: ['src/bake/step.ts', 'StepResult'],
  trace: ['src/train/trace-file.ts', 'Trace'],
  'trace-diff': ['src/bake/traces.ts', 'TraceDiff'],
  'trace-merge': ['src/commands/trace-merge.ts', 'MergeResult'],
  verify: ['src/bake/verify.ts', 'VerifyResult'],
}

async function schemas() {
  const found = Object.entries(TYPES).map(([name, [path, type]]) => {
    const generator = createGenerator({
      path: ROOT + path,
      tsconfig: `${ROOT}tsconfig.json`,
      type,
      expose: 'none',
      topRef: false,
      skipTypeCheck: true,
    })
    return [name, generator.createSchema(type)]
  })
  const { default: Bake } = await import('../dist/commands/bake.js')
  const { optionsOf } = await import('../dist/commands/config/config-flags.js')
  const { configSchema } = await import('../dist/commands/config/schema.js')
  return [...found, ['config', configSchema(optionsOf(Bake.flags))]]
}

const files = (await schemas()).map(([name, schema]) => [
  `docs/schemas/${name}.json`,
  `${JSON.stringify(schema, undefined, 2)}\n`,
])
update(Object.fromEntries(files), 'npm run gen:schemas')
