// SPDX-License-Identifier: Apache-2.0
// The files of the CI kit: what each uses is declared in it, what it declares is used, and what it calls is there.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { loadDocuments } from '../../helpers/documents.js'
import { ROOT } from '../../helpers/repository.js'

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
