// SPDX-License-Identifier: Apache-2.0
// Images whose interpreter has been frozen in a step of their build, and programs in containers of them.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hookFiles } from '../../src/layer/hook.js'
import { imageName } from './engine.js'
import { inRepository } from './repository.js'
import { type Outcome, run } from './run.js'
import { asIfNamed, comparable, told } from './snapshot.js'
import { temporary } from './temporary.js'

export const SNAPSHOT = '/opt/pycds/app.snap'
/** Options of containers as careful operators start them. */
export const HARDENED = [
  ...['--read-only', '--user', '12345', '--cap-drop', 'ALL'],
  ...['--security-opt', 'no-new-privileges', '--network', 'none'],
]
const PROGRAMS = ['state.py', 'battery.py', 'unique.py'] as const

/** An image whose interpreter has been frozen in a step of its build. */
export async function frozenImage(t: Parameters<typeof imageName>[0], base: string): Promise<string> {
  const context = temporary(t)
  const prebuilds = inRepository(`prebuilds/linux-${process.arch}`)
  copyFileSync(join(prebuilds, 'pycds-freeze.so'), join(context, 'pycds-freeze.so'))
  const hook = join(context, 'hook')
  mkdirSync(hook)
  const runtime = readFileSync(join(prebuilds, '_pycds.abi3.so'))
  for (const { path, body } of hookFiles([hook], runtime, 'variable')) writeFileSync(path, body)
  for (const name of PROGRAMS)
    writeFileSync(join(context, name), readFileSync(inRepository(`test/fixtures/snapshot/${name}`)))
  writeFileSync(
    join(context, 'Dockerfile'),
    `FROM ${base}
COPY pycds-freeze.so ${PROGRAMS.join(' ')} /opt/pycds/
COPY hook /opt/hook/
RUN directory=$(python3 -c 'import site; print(site.getsitepackages()[0])') && mkdir -p $directory && cp /opt/hook/* $directory
ENV PYCDS_ARCHIVE=/opt/pycds/app.cds
RUN LD_PRELOAD=/opt/pycds/pycds-freeze.so PYCDS_FREEZE=/opt/pycds/app.snap python3; test -s /opt/pycds/app.snap
`,
  )
  const name = imageName(t)
  const built = await run('docker', ['build', '--network=none', '--tag', name, context], {
    env: { DOCKER_BUILDKIT: '0' },
  })
  if (built.code !== 0) throw new Error(built.stdout + built.stderr)
  return name
}

/** Runs a program in a container of its own. */
export function startContainer(
  image: string,
  snapshot: string,
  options: readonly string[],
  words: readonly string[],
) {
  const env = ['--env', `PYCDS_SNAPSHOT=${snapshot}`, '--env', 'PYCDS_LOG=1', '--hostname', 'host']
  return run('docker', ['run', '--rm', ...env, ...options, image, 'python3', ...words])
}

/** How many containers draw at the same time. */
const AT_ONCE = 4
/** What each of them may add to the time of a test: a container on a machine that does much else. */
export const DRAW_MS = 10_000

/** What so many containers draw, in lines of a name and a value: by name, how many different values there are. */
export async function differentValues(
  containers: number,
  start: () => Promise<Outcome>,
  check: (ended: Outcome) => void,
): Promise<Map<string, number>> {
  const values = new Map<string, Set<string>>()
  for (let count = 0; count < containers; count += AT_ONCE) {
    for (const ended of await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, containers - count) }, start),
    )) {
      check(ended)
      for (const line of ended.stdout.trim().split('\n')) {
        const [name = '', value = ''] = line.split(' ')
        values.set(name, (values.get(name) ?? new Set()).add(value))
      }
    }
  }
  return new Map([...values].map(([name, different]) => [name, different.size]))
}

/** Without what may differ: addresses, and the runtime's own lines. */
export function withoutNoise(outcome: Outcome): Outcome {
  const { snapshot: _, ...rest } = told(asIfNamed(outcome, SNAPSHOT))
  return comparable(rest)
}
