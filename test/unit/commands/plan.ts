// SPDX-License-Identifier: Apache-2.0
// `bake --plan`: what would be run, and nothing that is started or written for it.
import { readdirSync } from 'node:fs'
import test from 'ava'
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

test('the file of a folder is not baked by a plan', async (t) => {
  const { path } = await simpleLayout(t, { config })
  const cwd = temporary(t, { 'pycds-image.yaml': `version: 1\nimages: [{image: "oci:${path}:1"}]\n` })
  const before = contentOf(path)
  const { code, stderr } = await pycdsAlone(['bake', '--plan'], { cwd })
  t.is(code, 2)
  t.regex(stderr, /--plan: .*pycds-image\.yaml/)
  t.deepEqual(contentOf(path), before)
})

test('help says which form trains and which starts nothing', async (t) => {
  const { stdout } = await pycdsAlone(['bake', '--help'])
  t.regex(stdout, /--dry-run\n +train, and show/)
  t.regex(stdout, /--plan\n +show .*\n? *.*nothing is started or written/)
})
