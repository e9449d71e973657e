// SPDX-License-Identifier: Apache-2.0
// A snapshot that was made in an image is thawed in its containers: unprivileged, hardened, as process 1.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { hookFiles } from '../../src/layer/hook.js'
import { docker, imageName } from '../helpers/engine.js'
import { type BaseImage, ensureImage } from '../helpers/images.js'
import { inRepository } from '../helpers/repository.js'
import { DEADLINE_MS, type Outcome, run } from '../helpers/run.js'
import { asIfNamed, comparable, told } from '../helpers/snapshot.js'
import { temporary } from '../helpers/temporary.js'
import { portion } from '../helpers/tier.js'

/** Debian's interpreters and one as the official images build it. */
const BASES: readonly BaseImage[] = ['bookworm', 'trixie', 'shared']
const bases: [BaseImage, string | undefined][] = []
for (const name of BASES) bases.push([name, process.arch === 'x64' ? await ensureImage(name) : undefined])

const HARDENED = [
  ...['--read-only', '--user', '12345', '--cap-drop', 'ALL'],
  ...['--security-opt', 'no-new-privileges', '--network', 'none'],
]
const CONTAINERS = portion(1_000)
const PROGRAMS = ['state.py', 'battery.py', 'unique.py'] as const

/** An image whose interpreter has been frozen in a step of its build. */
async function frozen(t: Parameters<typeof imageName>[0], base: string): Promise<string> {
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
function start(image: string, snapshot: string, options: readonly string[], words: readonly string[]) {
  const env = ['--env', `PYCDS_SNAPSHOT=${snapshot}`, '--env', 'PYCDS_LOG=1', '--hostname', 'host']
  return run('docker', ['run', '--rm', ...env, ...options, image, 'python3', ...words])
}

const SNAPSHOT = '/opt/pycds/app.snap'

/** Without what may differ: addresses, and the runtime's own lines. */
function withoutNoise(outcome: Outcome): Outcome {
  const { snapshot: _, ...rest } = told(asIfNamed(outcome, SNAPSHOT))
  return comparable(rest)
}

for (const [name, base] of bases) {
  const declare = base === undefined ? test.skip : test
  declare(`${name}: hardened containers go on in the snapshot of their image`, async (t) => {
    t.timeout(DEADLINE_MS)
    const image = await frozen(t, base ?? '')
    for (const program of ['state.py', 'battery.py']) {
      // Programs of the battery need a place for their files.
      const options = [...HARDENED, '--tmpfs', '/tmp']
      const words = [`/opt/pycds/${program}`]
      const plain = await start(image, 'off', options, words)
      const thawed = await start(image, SNAPSHOT, options, words)
      t.regex(thawed.stderr, /^pycds\[1\]: snapshot thawed$/m)
      t.deepEqual(withoutNoise(thawed), withoutNoise(plain))
      t.notRegex(thawed.stdout, /FAILED/)
    }
    const values = new Map<string, Set<string>>()
    for (let i = 0; i < CONTAINERS; i++) {
      const { stdout } = await start(
        image,
        SNAPSHOT,
        [...HARDENED, '--tmpfs', '/tmp'],
        ['/opt/pycds/unique.py'],
      )
      for (const line of stdout.trim().split('\n')) {
        const [what = '', value = ''] = line.split(' ')
        values.set(what, (values.get(what) ?? new Set()).add(value))
      }
    }
    t.true(values.size > 8)
    for (const [what, different] of values) t.is(different.size, CONTAINERS, what)
  })

  declare(`${name}: it ends there as it would have ended`, async (t) => {
    t.timeout(DEADLINE_MS)
    const image = await frozen(t, base ?? '')
    for (const program of ['import sys; sys.exit(3)', 'raise KeyboardInterrupt', '1/0']) {
      const plain = await start(image, 'off', HARDENED, ['-c', program])
      const thawed = await start(image, SNAPSHOT, HARDENED, ['-c', program])
      t.regex(thawed.stderr, /^pycds\[1\]: snapshot thawed$/m)
      t.deepEqual(withoutNoise(thawed), withoutNoise(plain))
    }
    // An image that was made of it and has another start-up file.
    const derived = imageName(t)
    const text = `FROM ${image}\nRUN echo '# nothing' > $(python3 -c 'import site; print(site.getsitepackages()[0])')/zz.pth\n`
    const built = await run('docker', ['build', '--network=none', '--tag', derived, '-'], { input: text })
    t.is(built.code, 0, built.stderr)
    t.regex((await start(derived, SNAPSHOT, HARDENED, ['-c', '1'])).stderr, /snapshot SOURCE_CHANGED$/m)
    await docker('image', 'rm', '--force', derived)
  })
}
