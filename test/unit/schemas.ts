// SPDX-License-Identifier: Apache-2.0
// What programs get is what the published schemas say. The outputs of bakes are held against them where they are made.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { parse } from 'yaml'
import Bake from '../../src/commands/bake.js'
import { optionsOf } from '../../src/commands/cli/config-flags.js'
import { configSchema } from '../../src/config/index.js'
import { createRawJsonProgress } from '../../src/log/rawjson.js'
import { pycdsAlone } from '../helpers/cli.js'
import { inRepository } from '../helpers/repository.js'
import { schemaErrors } from '../helpers/schemas.js'

test('every schema is a schema', (t) => {
  const names = readdirSync(inRepository('docs/schemas')).map((file) => file.replace(/\.json$/, ''))
  t.true(names.length > 10)
  for (const name of names) t.notThrows(() => schemaErrors(name, {}), name)
})

test('the schema of the configuration file knows the options of this version', (t) => {
  const written: unknown = JSON.parse(readFileSync(inRepository('docs/schemas/config.json'), 'utf8'))
  t.deepEqual(
    written,
    JSON.parse(JSON.stringify(configSchema(optionsOf(Bake.flags)))),
    'run npm run gen:schemas',
  )
})

test('the example of the guide follows the schema', (t) => {
  const guide = readFileSync(inRepository('docs/configuration.md'), 'utf8')
  const [, example = ''] = /```yaml\n(version: 1\n.*?)```/s.exec(guide) ?? []
  t.deepEqual(schemaErrors('config', parse(example)), [])
  t.not(schemaErrors('config', { version: 1, images: [{ imgae: 'a' }] }).length, 0)
  t.deepEqual(schemaErrors('config', { version: 1, frontend: { ready: 'exit' } }), [])
  t.not(schemaErrors('config', { version: 1 }).length, 0)
})

test('an error is a document', async (t) => {
  const { stdout } = await pycdsAlone(['bake', 'app', '--timeout', '5', '--json'])
  t.deepEqual(schemaErrors('error', JSON.parse(stdout)), [])
})

test('progress events follow their schema', (t) => {
  let text = ''
  let now = 0
  const target = {
    write: (part: string) => {
      text += part
    },
    appOutput: 'show' as const,
    now: () => now++,
  }
  const progress = createRawJsonProgress(target)
  const step = progress.step('train', 'Train')
  step.update('3 modules')
  progress.appOutput('stdout', Buffer.from('hello\npart'))
  progress.warn('careful')
  step.done('done')
  step.done('twice')
  progress.step('archive', 'Archive').fail('failed')
  progress.close()
  const events = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.deepEqual(
    events.map(({ event }) => event),
    ['start', 'update', 'output', 'warning', 'done', 'start', 'failed', 'output'],
  )
  for (const event of events) t.deepEqual(schemaErrors('progress', event), [])
})

test('traces, their union and their difference follow their schemas', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'pycds-test-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const trace = (name: string) => ({
    schema: 'io.pycds.trace/1',
    images: [{ id: 'sha256:a', platform: 'linux/amd64' }],
    python: { version: '3.11.2', cacheTag: 'cpython-311', executable: '/usr/bin/python3', optimize: 0 },
    siteDirectories: [],
    modules: [
      { name, origin: `/srv/${name}.py`, entry: '/srv', package: false, sourceHash: '0123456789abcdef' },
    ],
    regexes: [],
    sources: [],
    files: [],
    leftOut: [],
  })
  const [a, b, merged] = ['a', 'b', 'merged'].map((name) => join(directory, `${name}.json`))
  if (!a || !b || !merged) return
  writeFileSync(a, JSON.stringify(trace('a')))
  writeFileSync(b, JSON.stringify(trace('b')))
  const merge = await pycdsAlone(['trace', 'merge', a, b, '-o', merged, '--json'])
  t.is(merge.code, 0, merge.stderr)
  t.deepEqual(schemaErrors('trace-merge', JSON.parse(merge.stdout)), [])
  t.deepEqual(schemaErrors('trace', JSON.parse(readFileSync(merged, 'utf8'))), [])
  const diff = await pycdsAlone(['trace', 'diff', a, merged, '--json'])
  t.deepEqual(schemaErrors('trace-diff', JSON.parse(diff.stdout)), [])
  t.like(JSON.parse(diff.stdout), { added: ['b'], removed: [], same: 1 })
})
