// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { DockerContainer } from '../../../../src/engine/docker/docker-container.js'
import { startFakeEngine } from '../../../helpers/fake-engine.js'
import { temporary } from '../../../helpers/temporary.js'

const NAME = 'ab'.repeat(32)

/** A container of an engine that says where it keeps what the container wrote, and that `/app/own.py` differs. */
async function containerOf(t: ExecutionContext, driver: object | undefined) {
  const { connection, calls } = await startFakeEngine(t, ({ what }) => {
    if (what === 'GET /containers/one/json') return driver ? { GraphDriver: driver } : {}
    return [
      { Path: '/app', Kind: 0 },
      { Path: '/app/own.py', Kind: 1 },
    ]
  })
  const container = new DockerContainer(connection, {
    ...{ id: 'one', image: 'app', program: undefined },
    surroundings: { network: 'none' },
  })
  const compared = () => calls.some(({ what }) => what === 'GET /containers/one/changes')
  return { container, compared }
}

function upperDirectory(t: ExecutionContext, ...paths: string[]): string {
  const upper = join(temporary(t), 'overlay2', NAME, 'diff')
  mkdirSync(upper, { recursive: true })
  for (const path of paths) {
    mkdirSync(dirname(join(upper, path)), { recursive: true })
    writeFileSync(join(upper, path), '')
  }
  return upper
}

const overlay = (directory: string) => ({ Name: 'overlay2', Data: { UpperDir: directory } })

test('where nothing was written, the engine need not compare', async (t) => {
  const upper = upperDirectory(t, 'app/log', 'tmp/x')
  const { container, compared } = await containerOf(t, overlay(upper))
  t.deepEqual([...(await container.changed(['/app/main.py', '/usr/lib/os.py']))], [])
  t.false(compared())
})

test('what was written has changed if the engine says so: a file may be as it was', async (t) => {
  const upper = upperDirectory(t, 'app/own.py', 'app/same.py')
  const { container, compared } = await containerOf(t, overlay(upper))
  t.deepEqual([...(await container.changed(['/app/same.py', '/app/own.py']))], ['/app/own.py'])
  t.true(compared())
})

test('a directory that became something else leaves nothing below it as it was', async (t) => {
  const upper = upperDirectory(t)
  symlinkSync('/elsewhere', join(upper, 'app'))
  const { container, compared } = await containerOf(t, overlay(upper))
  await container.changed(['/app/pkg/main.py'])
  t.true(compared())
})

test('where the directory cannot be seen, the engine compares', async (t) => {
  const elsewhere = join(temporary(t), 'overlay2', NAME, 'diff')
  const unnamed = temporary(t)
  for (const driver of [
    undefined,
    { Name: 'btrfs', Data: null },
    overlay(elsewhere),
    overlay(unnamed),
    { Name: 'overlay2' },
  ]) {
    const { container, compared } = await containerOf(t, driver)
    t.deepEqual([...(await container.changed(['/app/main.py', '/app/own.py']))], ['/app/own.py'])
    t.true(compared(), JSON.stringify(driver))
  }
})
