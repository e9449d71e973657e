// SPDX-License-Identifier: Apache-2.0
// Programs that do with the packages of the benchmark what those are for, in the snapshot of an image of its own each: they say
// what they say in a plain start.
import { readFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import type { Package } from '../../bench/packages.js'
import type { Python } from '../../bench/pythons.js'
import { testPackages, withSnapshot } from '../helpers/package-images.js'
import { inRepository } from '../helpers/repository.js'
import { DEADLINE_MS } from '../helpers/run.js'

/** Packages whose work is a program of the fixtures, by the name of its file. */
const WORKERS = [
  ...['numpy', 'scipy', 'pandas', 'sklearn', 'torch'],
  ...['flask', 'django', 'fastapi', 'requests', 'httpx', 'aiohttp'],
  ...['boto3', 'sqlalchemy', 'yaml'],
]

await testPackages(
  ({ name }) => WORKERS.includes(name),
  (python, one) => `${python.id}: a program works with ${one.name} in its snapshot as it did`,
  worksAsBefore,
)

async function worksAsBefore(t: ExecutionContext, base: string, python: Python, one: Package): Promise<void> {
  t.timeout(2 * DEADLINE_MS)
  const program = readFileSync(inRepository(`test/fixtures/snapshot/jobs/${one.name}.py`), 'utf8')
  const starts = await withSnapshot(t, { base, python, one, program })
  if (starts === undefined) return
  const plain = await starts('plain', program)
  t.is(plain.code, 0, plain.stderr)
  t.not(plain.stdout, '')
  t.deepEqual(await starts('thawed', program), plain)
  // The second answers what the first did, too.
  t.deepEqual(await starts('thawed', program), plain)
}
