// SPDX-License-Identifier: Apache-2.0
// `bake --plan`: what would be run, and nothing that is started or written for it.
import { readdirSync } from 'node:fs'
import test from 'ava'
import type { BakesPlan } from '../../../src/usecases/fleet/index.js'
import type { PlanResult } from '../../../src/usecases/plan.js'
import { pycdsAlone } from '../../helpers/cli.js'
import { refuse, startFakeEngine } from '../../helpers/fake-engine.js'
import { contentOf, simpleLayout } from '../../helpers/layout.js'
import { schemaErrors } from '../../helpers/schemas.js'
import { temporary } from '../../helpers/temporary.js'

const config = {
  config: { Entrypoint: ['python3', '-m', 'app'], Cmd: ['serve'], ExposedPorts: { '8000/tcp': {} } },
}

test('an image in a file: nothing is unpacked, and no program is looked for', async (t) => {
  const { path } = await simpleLayout(t, { config })
  const before = contentOf(path)
  const [TMPDIR, PATH] = [temporary(t), temporary(t)]
  const bake = ['bake', `oci:${path}:1`, '--plan', '--progress', 'quiet']
  const { code, stdout, stderr } = await pycdsAlone(bake, { env: { TMPDIR, PATH } })
  t.is(code, 0, stderr)
  t.is(stderr, '')
  t.regex(stdout, /nothing was started/)
  t.regex(stdout, /python3 -m app serve/)
  t.regex(stdout, /port:8000/)
  t.true(stdout.includes(`oci:${path}:1-cds`), stdout)
  t.deepEqual(contentOf(path), before)
  t.deepEqual(readdirSync(TMPDIR), [])
})

test('an image of an engine: it is asked, and told nothing', async (t) => {
  const id = `sha256:${'a'.repeat(64)}`
  const { address, calls } = await startFakeEngine(t, ({ what }, response) =>
    what === 'GET /images/app:1/json'
      ? { Id: id, Os: 'linux', Architecture: 'amd64', Config: config.config, RootFS: { Layers: [] } }
      : refuse(response, 500, `no ${what}`),
  )
  const bake = ['bake', 'app:1', '--plan', '--json', '--ready', 'exit', '--', 'tool', '--version']
  const { code, stdout, stderr } = await pycdsAlone(bake, { env: { DOCKER_HOST: address } })
  t.is(code, 0, stderr)
  const plan = JSON.parse(stdout) as PlanResult
  t.deepEqual(schemaErrors('plan', plan), [])
  const { source, output, training } = plan
  t.like(source, { reference: 'app:1', id, platform: 'linux/amd64' })
  t.is(output, 'app:1-cds')
  t.deepEqual(training, {
    mode: 'entrypoint',
    command: ['tool', '--version'],
    imports: [],
    readiness: 'exit',
  })
  t.true(calls.length > 0)
  for (const { what } of calls) t.regex(what, /^GET /)
})

test('what a bake would refuse is refused', async (t) => {
  const { path } = await simpleLayout(t, { config })
  for (const words of [['--ready', 'health'], ['--', '--help'], ['--dry-run'], ['-t', '1']]) {
    const { code, stdout, stderr } = await pycdsAlone(['bake', `oci:${path}:1`, '--plan', ...words])
    t.is(code, 2, stdout + stderr)
  }
})

test('of a file: which images it means, and what they would become', async (t) => {
  const { path } = await simpleLayout(t, { config })
  const images = [
    `{image: "oci:${path}:*", tag: "{tag}-fast", name: all}`,
    `{image: "oci:${path}:none*", name: none}`,
    `{image: "oci:${path}:1", name: own}`,
  ]
  const cwd = temporary(t, { 'pycds-image.yaml': `version: 1\nimages: [${images.join()}]\n` })
  const before = contentOf(path)
  const { code, stdout, stderr } = await pycdsAlone(['bake', '--plan', '--json'], { cwd })
  t.is(code, 7, stderr)
  const plan = JSON.parse(stdout) as BakesPlan
  t.deepEqual(schemaErrors('bakes-plan', plan), [])
  t.deepEqual(
    plan.images.map(({ name, output, error }) => [name, output, error?.code]),
    [
      ['none', null, 'IMAGE_NOT_FOUND'],
      ['own', `oci:${path}:1-cds`, undefined],
    ],
  )
  const shown = await pycdsAlone(['bake', '--plan', '--only', 'own'], { cwd })
  t.is(shown.code, 0, shown.stderr)
  t.regex(shown.stdout, /1 image: nothing was started/)
  t.true(shown.stdout.includes(`oci:${path}:1-cds`))
  t.deepEqual(contentOf(path), before)
})

test('help says which form trains and which starts nothing', async (t) => {
  const { stdout } = await pycdsAlone(['bake', '--help'])
  t.regex(stdout, /--dry-run\n +train, and show/)
  t.regex(stdout.replace(/\s+/g, ' '), /--plan show .*nothing is started or written/)
})
