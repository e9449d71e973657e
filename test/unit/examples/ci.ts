// SPDX-License-Identifier: Apache-2.0
// The files of the CI kit: what each uses is declared in it, what it declares is used, and what it calls is there.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { loadDocuments } from '../../helpers/documents.js'
import { ROOT } from '../../helpers/repository.js'
import { run } from '../../helpers/run.js'
import { temporary } from '../../helpers/temporary.js'

const KIT = 'examples/ci'
const SCRIPT = readFileSync(join(ROOT, KIT, 'bake.sh'), 'utf8')
const REPORT = readFileSync(join(ROOT, KIT, 'report.mjs'), 'utf8')

/** The names that a pattern finds, sorted, each once. */
function names(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, name = '']) => name))].sort()
}

function expectVariables(t: ExecutionContext, variables: Record<string, unknown>, own: string[] = []): void {
  for (const name of Object.keys(variables).filter((key) => key.startsWith('PYCDS_')))
    t.true(SCRIPT.includes(name) || own.includes(name), `bake.sh does not read ${name}`)
  for (const name of ['PYCDS_IMAGE', 'PYCDS_OUTPUT', 'PYCDS_OPTIONS', 'PYCDS_COMMAND', 'PYCDS_MIN_HIT_RATE'])
    t.true(name in variables, `${name} is not set`)
}

/** Files of the installed package that a script starts. */
function expectPackaged(t: ExecutionContext, text: string): void {
  const called = names(text, /node_modules\/pycds-image\/([\w./-]+)/g)
  t.not(called.length, 0)
  const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { files: string[] }
  for (const file of called) {
    t.true(existsSync(join(ROOT, file)), file)
    t.true(
      files.some((folder) => file.startsWith(`${folder}/`)),
      `${file} is not published`,
    )
  }
}

test('the GitHub Action uses the inputs that it declares, and its outputs are those of the report', (t) => {
  const { text, documents } = loadDocuments(t, KIT, 'github/action.yml')
  const [action] = documents
  t.deepEqual(names(text, /inputs\.([\w-]+)/g), Object.keys(action.inputs).sort())
  t.is(action.runs.using, 'composite')
  const [step] = action.runs.steps
  expectVariables(t, step.env)
  // In a composite action every script needs its shell, and inputs are no part of its text.
  t.is(step.shell, 'sh')
  t.false(step.run.includes('${{'))
  const [, called = ''] = /GITHUB_ACTION_PATH\/([\w./-]+)/.exec(step.run) ?? []
  t.true(existsSync(join(ROOT, KIT, dirname('github/action.yml'), called)))
  for (const name of names(text, /steps\.bake\.outputs\.(\w+)/g)) t.true(REPORT.includes(name), name)
})

test('the GitLab component uses the inputs that it declares, and keeps what it writes', (t) => {
  const { text, documents } = loadDocuments(t, KIT, 'gitlab/template.yml')
  const [{ spec }, jobs] = documents
  t.deepEqual(names(text, /\$\[\[ inputs\.([\w-]+) \]\]/g), Object.keys(spec.inputs).sort())
  const job = jobs['pycds-bake']
  expectVariables(t, job.variables)
  expectPackaged(t, job.script.join('\n'))
  const [, path = ''] = /^\S+ \S+ \]\]:(.*)$/.exec(job.variables.PYCDS_OUTPUT) ?? []
  t.true(job.artifacts.paths.includes(path), path)
  for (const file of ['pycds-report/', job.artifacts.reports.dotenv])
    t.true(file.startsWith(/PYCDS_REPORT:-([\w-]+)/.exec(SCRIPT)?.[1] ?? '?'), file)
})

test('the Tekton task uses the parameters, results and workspaces that it declares', (t) => {
  const { text, documents } = loadDocuments(t, KIT, 'tekton/task.yaml')
  const [{ apiVersion, kind, spec }] = documents
  t.is(`${apiVersion} ${kind}`, 'tekton.dev/v1 Task')
  for (const what of ['params', 'results', 'workspaces']) {
    const declared = spec[what].map(({ name }: { name: string }) => name).sort()
    t.deepEqual(names(text, new RegExp(`\\$\\(${what}\\.([\\w-]+)`, 'g')), declared)
  }
  const [step] = spec.steps
  const env = Object.fromEntries(
    step.env.map(({ name, value }: { name: string; value: string }) => [name, value]),
  )
  expectVariables(t, env, ['PYCDS_VERSION'])
  expectPackaged(t, step.script)
  // Parameters reach the script as variables and never as part of its text.
  t.false(/\$\((params|results|workspaces)\./.test(step.script))
  for (const name of names(step.script, /\$(\w+)/g)) t.true(name in env, name)
  for (const name of names(step.script, /\^(\w+)=/g)) t.true(REPORT.includes(name), name)
})

const SHA = (digit: string) => `sha256:${digit.repeat(64)}`
const VERIFIED = { scenarios: [{ hitRate: 96.83 }, { hitRate: 94.4 }] }
const MADE = {
  archive: { modules: 17, leftOut: [] },
  layer: { diffId: SHA('1'), bytes: 3_500_000 },
  start: { speedup: 1.5, before: { medianMs: 30 }, after: { medianMs: 20 } },
}

/** What the report tells of the documents that two commands have printed. */
async function report(t: ExecutionContext, bake: object, verify?: object) {
  const documents = { 'bake.json': JSON.stringify(bake), 'verify.json': JSON.stringify(verify) }
  const folder = temporary(t, verify ? documents : { 'bake.json': documents['bake.json'] })
  const tell = (what: string) => run(process.execPath, [join(ROOT, KIT, 'report.mjs'), what, folder])
  const { code, stderr } = await tell('summary')
  t.is(code, 0, stderr)
  const lines = readFileSync(join(folder, 'outputs.env'), 'utf8').trimEnd().split('\n')
  return {
    verified: (await tell('output')).stdout.trim(),
    outputs: Object.fromEntries(lines.map((line) => line.split('='))) as Record<string, string>,
    summary: readFileSync(join(folder, 'summary.md'), 'utf8'),
  }
}

test('the report names an image of a registry as its clients do, with the digest of its manifest', async (t) => {
  const output = { reference: 'registry:host:5000/api:1-cds', id: SHA('2'), manifestDigest: SHA('3') }
  const { verified, outputs, summary } = await report(
    t,
    { schema: 'io.pycds.bake/1', output, ...MADE },
    VERIFIED,
  )
  t.is(verified, output.reference)
  t.is(outputs.state, 'baked')
  t.is(`${outputs.image}@${outputs.digest}`, `host:5000/api:1-cds@${SHA('3')}`)
  t.is(outputs.layer, SHA('1'))
  t.is(outputs.hit_rate, '94.4')
  t.regex(summary, /30 ms, 20 ms \(1\.50x\)/)
})

test('the report gives the id of an image in an engine without manifests', async (t) => {
  const output = { reference: 'api:1-cds', id: SHA('2'), manifestDigest: null }
  const { outputs } = await report(t, { schema: 'io.pycds.bake/1', output, ...MADE, start: null }, VERIFIED)
  t.is(outputs.digest, SHA('2'))
  t.is(outputs.speedup, '')
})

test('the report tells of an image that was there already', async (t) => {
  const output = { reference: 'registry:host/api:1-cds', id: SHA('2'), manifestDigest: SHA('3') }
  const { outputs, summary } = await report(t, { schema: 'io.pycds.unchanged/1', output }, VERIFIED)
  const { state, digest, layer, hit_rate: rate } = outputs
  t.deepEqual(
    { state, digest, layer, rate },
    { state: 'unchanged', digest: SHA('3'), layer: '', rate: '94.4' },
  )
  t.true(summary.includes('`host/api:1-cds`, unchanged'))
})

test('the report of an index is of the image that was run, and has the digest of the index', async (t) => {
  const platforms = [
    { platform: 'linux/arm64', trainedOn: 'linux/amd64', result: { ...MADE, start: null } },
    { platform: 'linux/amd64', trainedOn: 'linux/amd64', result: MADE },
  ]
  const output = { reference: 'oci:build/api:1-cds', digest: SHA('4') }
  const { outputs } = await report(t, { schema: 'io.pycds.bake-platforms/1', output, platforms }, VERIFIED)
  t.is(outputs.digest, SHA('4'))
  t.is(outputs.speedup, '1.50')
})

test('the report of a dry run names nothing', async (t) => {
  const { verified, summary } = await report(t, { schema: 'io.pycds.bake/1', output: null, ...MADE })
  t.is(verified, '')
  t.regex(summary, /image \| not written \|\n\| hit rate \| not verified: nothing was started/)
})
