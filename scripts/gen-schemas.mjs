#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Writes docs/schemas from the types of what --json prints, of traces and of progress events, and from the
// options of bake for pycds-image.yaml. Needs `npm run build:ts` for the last one.
//
//   node scripts/gen-schemas.mjs            writes the files
//   node scripts/gen-schemas.mjs --check    writes nothing; ends with 1 when one of them is outdated
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createGenerator } from 'ts-json-schema-generator'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** File of the schema: where its type is. */
const TYPES = {
  bake: ['src/usecases/result.ts', 'BakeResult'],
  'bake-platforms': ['src/usecases/result.ts', 'BakePlatformsResult'],
  bakes: ['src/usecases/bake-many.ts', 'BakesResult'],
  bench: ['src/usecases/bench/result.ts', 'BenchResult'],
  doctor: ['src/usecases/doctor.ts', 'DoctorResult'],
  error: ['src/errors/render.ts', 'ErrorDocument'],
  generate: ['src/usecases/generate/generate.ts', 'GenerateResult'],
  inspect: ['src/usecases/inspect.ts', 'InspectResult'],
  progress: ['src/log/rawjson.ts', 'ProgressEvent'],
  record: ['src/usecases/record.ts', 'RecordResult'],
  step: ['src/usecases/step.ts', 'StepResult'],
  trace: ['src/learn/trace/trace-file.ts', 'Trace'],
  'trace-diff': ['src/learn/trace/traces.ts', 'TraceDiff'],
  'trace-merge': ['src/learn/trace/traces.ts', 'MergeResult'],
  verify: ['src/usecases/verify.ts', 'VerifyResult'],
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
  const { optionsOf } = await import('../dist/commands/cli/config/config-flags.js')
  const { configSchema } = await import('../dist/commands/cli/config/schema.js')
  return [...found, ['config', configSchema(optionsOf(Bake.flags))]]
}

mkdirSync(`${ROOT}docs/schemas`, { recursive: true })
for (const [name, schema] of await schemas()) {
  const path = `docs/schemas/${name}.json`
  const text = `${JSON.stringify(schema, undefined, 2)}\n`
  if (!process.argv.includes('--check')) writeFileSync(ROOT + path, text)
  else if (readFileSync(ROOT + path, 'utf8') !== text) {
    process.stderr.write(`${path} is outdated: run npm run gen:schemas\n`)
    process.exitCode = 1
  }
}
