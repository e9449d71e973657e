// SPDX-License-Identifier: Apache-2.0
// A build step where no engine builds: buildah in each of its isolations, and chroot. What they show of themselves is
// tried without them in test/unit/in-place/machine.ts.
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ensureImage, toolImage } from '../helpers/images.js'
import { run } from '../helpers/run.js'
import { temporary } from '../helpers/temporary.js'
import { TIER } from '../helpers/tier.js'

const DEADLINE_MS = 10 * 60_000
const PROGRAM = 'import email.message, json'

const base = TIER === 'all' ? await ensureImage('minimal') : undefined
const tool = base === undefined ? undefined : await toolImage()
const hasBuildah = (await run('buildah', ['--version'])).code === 0
const hasMounts = (await run('unshare', ['--mount', 'true'])).code === 0
if (tool !== undefined && !hasBuildah)
  process.stderr.write('skipped for want of buildah (apt-get install buildah)\n')
const withBuildah = tool !== undefined && hasBuildah ? test.serial : test.serial.skip
const withChroot = tool !== undefined && hasMounts ? test.serial : test.serial.skip

async function succeeds(t: ExecutionContext, program: string, ...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(program, words)
  t.is(code, 0, `${program} ${words.join(' ')}: ${stdout}${stderr}`)
  return stdout.trim()
}

for (const isolation of [['chroot'], ['oci', '--runtime', 'runc', '--network', 'none']]) {
  withBuildah(`a RUN instruction of buildah, isolated by ${isolation[0]}`, async (t) => {
    t.timeout(DEADLINE_MS)
    const directory = temporary(t)
    const storage = ['--root', join(directory, 'root'), '--runroot', join(directory, 'run')]
    const buildah = ['buildah', ...storage, '--storage-driver', 'vfs'] as const
    const context = temporary(t, {
      Dockerfile: `FROM docker-daemon:${base}:latest
COPY --from=docker-daemon:${tool}:latest / /pycds
RUN ["/pycds/pycds-image", "step", "--", "python3", "-c", "${PROGRAM}"]
RUN PYCDS=report python3 -c '${PROGRAM}'
`,
    })
    const { code, stdout, stderr } = await run(buildah[0], [
      ...buildah.slice(1),
      ...['bud', '--isolation', ...isolation, '--tag', 'step', context],
    ])
    t.is(code, 0, stdout + stderr)
    t.regex(stdout + stderr, /served \d{2,} of \d+ path-based modules/)
  })
}

withChroot('a step in a chroot bakes its root, and nothing of the machine', async (t) => {
  t.timeout(DEADLINE_MS)
  const root = temporary(t)
  for (const [image, place] of [
    [base ?? '', ''],
    [tool ?? '', 'pycds'],
  ] as const) {
    const id = await succeeds(t, 'docker', 'create', image, '-')
    t.teardown(() => run('docker', ['rm', id]))
    mkdirSync(join(root, place), { recursive: true })
    await succeeds(t, 'sh', '-c', `docker export ${id} | tar -x -C ${join(root, place)}`)
  }
  mkdirSync(join(root, 'proc'), { recursive: true })
  const script = 'mount -t proc proc "$1/proc" && exec chroot "$1" /pycds/pycds-image step -- python3 -c "$2"'
  const alone = ['--mount', '--propagation', 'private']
  const before = existsSync('/opt/pycds/app.cds')
  await succeeds(t, 'unshare', ...alone, 'sh', '-c', script, 'sh', root, PROGRAM)
  t.true(existsSync(join(root, 'opt/pycds/app.cds')))
  t.is(existsSync('/opt/pycds/app.cds'), before)
})
