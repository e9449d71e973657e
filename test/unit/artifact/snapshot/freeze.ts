// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { type FreezeInput, type FreezeRoom, freeze } from '../../../../src/artifact/snapshot/freeze.js'
import type { ExecResult } from '../../../../src/ports/index.js'

/** @param ended  how an interpreter ends that is watched. */
function freezeIn(ended: ExecResult) {
  const room: FreezeRoom = {
    path: (name) => `/room/${name}`,
    out: (name) => `/room/out/${name}`,
    ask: async () => '[]',
    write: async () => undefined,
    read: async () => undefined,
    run: async () => ended,
  }
  const plan = {
    python: '/usr/bin/python3',
    options: [],
    environment: {},
    programs: [],
    names: ['flask'],
    held: [],
  }
  return freeze(room, { ...INPUT, plan }, { update: () => {} })
}

const INPUT: Omit<FreezeInput, 'plan'> = {
  exclude: [],
  cpu: 'native',
  preload: undefined,
  trials: [],
  library: '/opt/pycds/freeze.so',
  timeoutMs: 120_000,
}

test('an interpreter that takes too long is told with the next step, not with a code that it has not', async (t) => {
  await t.throwsAsync(freezeIn({ exitCode: null, output: 'it did not end within 120 s' }), {
    message:
      'the interpreter whose imports are watched did not end within 120 s: give it more time (--timeout 4m), or use a quieter machine',
  })
  await t.throwsAsync(freezeIn({ exitCode: null, output: 'the container has ended' }), {
    message: 'the interpreter whose imports are watched did not end by itself: the container has ended',
  })
  await t.throwsAsync(freezeIn({ exitCode: 3, output: 'a\nlast words\n' }), {
    message: 'the interpreter whose imports are watched ended with exit code 3: last words',
  })
})

/** A room in which modules of these names are watched; the template that is frozen imports the last one otherwise, if it is there. */
function roomOf(names: readonly string[]) {
  const files = new Map<string, string>()
  const [last = ''] = names.slice(-1)
  const environments: Readonly<Record<string, string>>[] = []
  const room: FreezeRoom = {
    path: (name) => `/room/${name}`,
    out: (name) => name,
    ask: async () => '[]',
    write: async (name, text) => void files.set(name, text),
    read: async (name) => (files.has(name) ? Buffer.from(files.get(name) ?? '') : undefined),
    run: async (_words, env) => {
      environments.push(env)
      const [into = '', list = ''] = [env.PYCDS_FREEZE, env.PYCDS_FREEZE_WARM]
      if (env.PYCDS_FREEZE_WATCH !== undefined) {
        const asked = (files.get(list) ?? '').trim().split('\n')
        const modules = asked.map((name) => ({ ...MODULE, name }))
        files.set(into, JSON.stringify({ ...RECORD, asked, modules }))
        files.set(`${into}.values`, '{}')
        return { exitCode: 0, output: '' }
      }
      if (!(files.get(list) ?? '').includes(last)) {
        files.set(into, 'frozen')
        return { exitCode: 0, output: '' }
      }
      files.set(`${into}.differing`, JSON.stringify({ [last]: 'it imported other' }))
      return { exitCode: 3, output: 'pycds: this interpreter cannot be frozen: build: Differs\n' }
    },
  }
  return { room, environments }
}

const MODULE = {
  kind: 'source',
  events: [],
  variables: {},
  files: [],
  faults: [],
  renewed: [],
  milliseconds: 1,
}
const RECORD = {
  version: 1,
  key: '1',
  base: [],
  faults: [],
  failed: [],
  replaced: [],
  shared: [],
  changes: [],
  anew: [],
  moved: [],
}

test('what the template that is frozen imports otherwise is left out, and the rest is frozen', async (t) => {
  const names = ['flask', 'numpy', 'varies']
  const { room, environments } = roomOf(names)
  const plan = { python: '/usr/bin/python3', options: [], environment: {}, programs: [], names, held: [] }
  const step = { update: () => {} }
  const frozen = await freeze(room, { ...INPUT, plan }, step)
  t.deepEqual([frozen.file.toString(), frozen.modules], ['frozen', ['flask', 'numpy']])
  t.deepEqual(
    frozen.leftOut.map(({ name, reason, detail }) => [name, reason, detail]),
    [['varies', 'DIFFERS', 'it imported other']],
  )
  t.deepEqual([...new Set(environments.map((env) => env.PYCDS_FREEZE_SECRET))], ['secret'])
})
