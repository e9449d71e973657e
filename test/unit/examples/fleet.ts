// SPDX-License-Identifier: Apache-2.0
// What starts a run on several machines: every part is run once, and what is called exists.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test from 'ava'
import { parse } from 'yaml'
import Bake from '../../../src/commands/bake.js'
import { toFleetRequest } from '../../../src/commands/cli/fleet-flags.js'
import { type Document, loadDocuments } from '../../helpers/documents.js'
import { ROOT } from '../../helpers/repository.js'
import { schemaErrors } from '../../helpers/schemas.js'

const KIT = 'examples/fleet'

/** Options of a command line, as they are written in a script. */
function optionsIn(script: string): string[] {
  return [...script.matchAll(/ --([a-z-]+)/g)].map(([, name = '']) => name).filter((name) => name !== 'yes')
}

/** The directory that a script keeps results in. */
function resultsIn(script: string): string {
  return / --results (\S+)/.exec(script)?.[1] ?? '?'
}

const CONFIG = parse(readFileSync(join(ROOT, KIT, 'pycds-image.yaml'), 'utf8'))

test('the file that the others use follows its schema', (t) => {
  t.deepEqual(schemaErrors('config', CONFIG), [])
})

test('what the file has written lies where the others keep results', (t) => {
  const [, job] = loadDocuments(t, KIT, 'kubernetes.yaml').documents
  const [task] = loadDocuments(t, KIT, 'tekton.yaml').documents
  const scripts: string[] = [job.spec.template.spec.containers[0].args[0], task.spec.steps[0].script]
  for (const { provenance, sbom } of CONFIG.images.filter(({ sbom }: Document) => sbom))
    for (const path of [provenance, sbom])
      t.deepEqual(
        scripts.map(resultsIn),
        scripts.map(() => dirname(path)),
      )
})

test('the Job has as many parts as pods, and each pod takes its own', (t) => {
  const [claim, { spec }] = loadDocuments(t, KIT, 'kubernetes.yaml').documents
  t.is(spec.completionMode, 'Indexed')
  const [container] = spec.template.spec.containers
  const shards = container.env.find(({ name }: Document) => name === 'SHARDS').value
  t.is(Number(shards), spec.completions)
  t.is(spec.podFailurePolicy.rules[0].onExitCodes.containerName, container.name)
  const script: string = container.args[0]
  t.true(script.includes('--shard "$JOB_COMPLETION_INDEX/$SHARDS"'))
  for (const option of optionsIn(script)) t.true(option in Bake.flags, option)
  const mounts = container.volumeMounts.map(({ name }: Document) => name).sort()
  const { volumes } = spec.template.spec
  t.deepEqual(volumes.map(({ name }: Document) => name).sort(), mounts)
  const results = volumes.find(({ name }: Document) => name === 'results')
  t.is(results.persistentVolumeClaim.claimName, claim.metadata.name)
  const { mountPath } = container.volumeMounts.find(({ name }: Document) => name === 'results')
  t.is(mountPath, join(container.workingDir, resultsIn(script)))
  const indexes = Array.from({ length: spec.completions }, (_, index) => `${index}/${shards}`)
  t.is(
    new Set(indexes.map((shard) => toFleetRequest({ jobs: '1', shard }).shard?.index)).size,
    spec.completions,
  )
})

test('the Pipeline runs the Task once for each part', (t) => {
  const [task, pipeline] = loadDocuments(t, KIT, 'tekton.yaml').documents
  const [step] = task.spec.steps
  for (const option of optionsIn(step.script)) t.true(option in Bake.flags, option)
  const env = new Set(step.env.map(({ name }: Document) => name))
  for (const [, name] of step.script.matchAll(/\$(\w+)/g)) t.true(env.has(name), name)
  const declared = task.spec.params.map(({ name }: Document) => name)
  const workspaces = task.spec.workspaces.map(({ name }: Document) => name)
  for (const { value } of step.env) {
    const [, kind, name] = /^\$\((params|workspaces)\.([\w-]+)(?:\.path)?\)$/.exec(value) ?? []
    t.true((kind === 'params' ? declared : workspaces).includes(name), value)
  }
  const [part] = pipeline.spec.tasks
  t.deepEqual(part.workspaces.map(({ name }: Document) => name).sort(), workspaces.sort())
  t.is(part.taskRef.name, task.metadata.name)
  t.is(part.matrix.params[0].name, 'shard')
  const parts: string[] = pipeline.spec.params[0].default
  const indexes = parts.map((shard) => toFleetRequest({ jobs: '1', shard }).shard)
  t.deepEqual(
    indexes.map((shard) => shard?.index).sort(),
    Array.from({ length: indexes[0]?.count ?? 0 }, (_, index) => index),
  )
})
