// SPDX-License-Identifier: Apache-2.0
// Greenlets that switch in the middle of imports: each module's code runs in the same order as without an archive, who
// waits waits, and what is left behind is the same. greenlet and gevent come from PyPI; without it nothing is tested.
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { findPythons } from '../helpers/interpreters.js'
import { Bench } from '../helpers/python.js'
import { inRepository } from '../helpers/repository.js'
import { rootOf } from '../helpers/start.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { TIER } from '../helpers/tier.js'

const INSTALL_MS = 240_000
/** What the greenlets import, at the same time. */
const ARRANGEMENTS = [
  'gl_a,gl_b',
  'gl_a,gl_a,gl_b',
  'gl_pkg,gl_pkg.x',
  'gl_pkg.x,gl_pkg.y',
  'gl_pkg.y,gl_pkg.x,gl_pkg',
  'gl_d,gl_e',
  'gl_e,gl_d,gl_a',
]
/** The packages are installed for each, and each is started forty times: by default one stands for all. */
const pythons = findPythons().filter(({ path }) => rootOf(path) === '')
const tried = TIER === 'all' ? pythons : pythons.slice(-1)
const MODES = [{ PYCDS: 'require' }, { PYCDS: 'require', PYCDS_TAKEOVER: 'off' }]

/** Installs the packages beside the programs; why not, where that does not work. */
async function install(python: string, directory: string): Promise<string | undefined> {
  const options = [
    '--quiet',
    '--disable-pip-version-check',
    '--only-binary',
    ':all:',
    '--no-compile',
    '--target',
    directory,
  ]
  try {
    const install = ['-m', 'pip', 'install', ...options, 'greenlet', 'gevent']
    await promisify(execFile)(python, install, { timeout: INSTALL_MS })
    return undefined
  } catch (error) {
    return String(error)
  }
}

const packages = mkdtempSync(join(tmpdir(), 'pycds-test-'))
/** Of each version: why its packages are not there. */
const obstacles = new Map<string, string | undefined>()
for (const { path, version } of tried) obstacles.set(version, await install(path, join(packages, version)))

test.after.always(() => rmSync(packages, { recursive: true, force: true }))

if (pythons.length === 0)
  test.skip('no supported CPython on this machine: greenlets are not tested', () => undefined)

for (const { path, version } of tried) {
  const title = `${version}: greenlets that switch inside an import do as without an archive`
  const obstacle = obstacles.get(version)
  if (obstacle) {
    const reason = obstacle.split('\n')[0]
    test.skip(`${title}: greenlet and gevent cannot be installed: ${reason}`, () => undefined)
    continue
  }
  testInTurn(title, async (t) => {
    const bench = new Bench(t, path)
    const program = join(bench.directory, 'program')
    cpSync(inRepository('test/fixtures/greenlets'), program, { recursive: true })
    cpSync(join(packages, version), program, { recursive: true })
    const { modules } = await bench.train(join(program, 'train.py'))
    t.true(modules.some(({ name }) => name === 'gl_a'))
    for (const script of ['turns.py', 'waits.py']) {
      for (const NAMES of ARRANGEMENTS) {
        const stock = await bench.runStock(join(program, script), { NAMES })
        t.is(stock.code, 0, stock.stderr)
        for (const mode of MODES) {
          const { outcome, counts } = await bench.runCounted(join(program, script), { NAMES, ...mode })
          t.deepEqual(outcome, stock, `${script} ${NAMES} ${JSON.stringify(mode)}`)
          t.true(Number(counts?.served) > 0)
        }
      }
    }
  })
}
