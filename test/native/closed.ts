// SPDX-License-Identifier: Apache-2.0
// Programs that may not read all of what is on their search path, as images have it that are started as another user than
// they were made for: the same is imported, and the same fails, with an archive as without.
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { findPythons } from '../helpers/interpreters.js'
import { Bench } from '../helpers/python.js'
import { testInTurn } from '../helpers/test-in-turn.js'

const TAKEN = { PYCDS: 'require' }
const FINDER = { PYCDS: 'require', PYCDS_TAKEOVER: 'off' }

const pythons = findPythons()
if (pythons.length === 0)
  test.skip('no supported CPython on this machine: what may not be read is not tested', () => undefined)

const PROGRAM = `import os, sys
here = sys.path[0]
for name in "unlisted", "behind": sys.path.append(os.path.join(here, "..", name))
if os.environ.get("CLOSED"):
    sys.path.insert(0, os.path.join(here, "..", "closed", "deeper"))
    sys.path.insert(0, os.path.join(here, "..", "closed"))
    # Whoever owns the files may read none of them either; root may read all.
    if os.getuid() == 0: os.seteuid(65534)
def attempt(name):
    try: print(name, __import__(name).value)
    except Exception as error: print(name, type(error).__name__)
for name in "open_source", "closed_source", "in_unlisted", "behind": attempt(name)
if os.getuid() == 0: os.seteuid(0)
`

function benchOf(t: ExecutionContext, python: string) {
  const bench = new Bench(t, python)
  const file = (path: string, value: string) => bench.file(path, `value = ${JSON.stringify(value)}\n`)
  const script = bench.file('program/main.py', PROGRAM)
  file('program/open_source.py', 'open')
  const closed = file('program/closed_source.py', 'closed')
  file('unlisted/in_unlisted.py', 'in unlisted')
  file('behind/behind.py', 'behind')
  for (const folder of ['closed/deeper', 'results', 'launch'])
    mkdirSync(join(bench.directory, folder), { recursive: true })
  return {
    bench,
    script,
    close() {
      const modes = { '.': 0o711, closed: 0o000, unlisted: 0o311, program: 0o755, behind: 0o755 }
      for (const [name, mode] of Object.entries(modes)) chmodSync(join(bench.directory, name), mode)
      chmodSync(closed, 0o000)
    },
    open() {
      for (const name of ['closed', 'unlisted']) chmodSync(join(bench.directory, name), 0o755)
    },
  }
}

for (const { path, version } of pythons) {
  testInTurn(`${version}: what may not be read is not served, and keeps nothing else from it`, async (t) => {
    const { bench, script, close, open } = benchOf(t, path)
    const { modules } = await bench.train(script, 'stat', { env: { PYTHONDONTWRITEBYTECODE: '1' } })
    const names = ['behind', 'closed_source', 'in_unlisted', 'open_source']
    const own = modules.map(({ name }) => name).filter((name) => names.includes(name))
    t.deepEqual(own.sort(), names)
    close()
    try {
      const env = { CLOSED: '1', PYTHONDONTWRITEBYTECODE: '1' }
      const stock = await bench.runStock(script, env)
      t.is(stock.code, 0, stock.stderr)
      t.is(
        stock.stdout,
        'open_source open\nclosed_source PermissionError\nin_unlisted ModuleNotFoundError\nbehind behind\n',
      )
      for (const mode of [TAKEN, FINDER]) {
        const { outcome, counts } = await bench.runCounted(script, { ...env, ...mode })
        t.deepEqual(outcome, stock)
        t.true(Number(counts?.served) >= 2, JSON.stringify(counts))
      }
    } finally {
      open()
    }
  })

  testInTurn(`${version}: a directory of a zip file, in front on the search path, is asked`, async (t) => {
    const bench = new Bench(t, path)
    const script = bench.file(
      'program/main.py',
      `import os, sys
if os.environ.get("ZIPPED"): sys.path.insert(0, os.path.join(sys.path[0], "..", "lib.zip", "lib"))
import shadowed
print(shadowed.value)
`,
    )
    bench.file('program/shadowed.py', 'value = "on the disk"\n')
    await bench.train(script, 'stat', { env: { PYTHONDONTWRITEBYTECODE: '1' } })
    const zip = `import zipfile
with zipfile.ZipFile(${JSON.stringify(join(bench.directory, 'lib.zip'))}, "w") as file:
    file.writestr("lib/shadowed.py", "value = 'zipped'")`
    const made = await bench.run(['-c', zip])
    t.is(made.code, 0, made.stderr)
    const env = { ZIPPED: '1', PYTHONDONTWRITEBYTECODE: '1' }
    const stock = await bench.runStock(script, env)
    t.is(stock.stdout, 'zipped\n', stock.stderr)
    for (const mode of [TAKEN, FINDER]) {
      t.deepEqual(await bench.runWithArchive(script, { ...env, ...mode }), stock)
    }
  })
}
