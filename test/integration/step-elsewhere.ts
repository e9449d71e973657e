// SPDX-License-Identifier: Apache-2.0
// A build step where no engine builds: buildah, or Podman, in each of its isolations, and chroot. What they show of themselves is
// tried without them in test/unit/in-place/machine.ts.
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ensureImage, toolImage } from '../helpers/images.js'
import { run } from '../helpers/run.js'
import { temporary } from '../helpers/temporary.js'
import { TIER } from '../helpers/tier.js'

const DEADLINE_MS = 10 * 60_000
const PROGRAM = 'import asyncio, email.message, json, multiprocessing, unittest.mock, xml.dom.minidom'

const base = TIER === 'all' ? await ensureImage('minimal') : undefined
const tool = base === undefined ? undefined : await toolImage()
/** Podman builds with the same library. */
const builders = [['buildah', 'bud'] as const, ['podman', 'build'] as const]
const found = await Promise.all(
  builders.map(async ([program]) => (await run(program, ['--version'])).code === 0),
)
const [builder, verb] = builders[found.indexOf(true)] ?? []
const hasMounts = (await run('unshare', ['--mount', 'true'])).code === 0
if (tool !== undefined && builder === undefined)
  process.stderr.write('skipped for want of buildah (apt-get install buildah)\n')
const withBuildah = tool !== undefined && builder !== undefined ? test.serial : test.serial.skip
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
    const context = temporary(t, {
      Dockerfile: `FROM docker-daemon:${base}:latest
COPY --from=docker-daemon:${tool}:latest / /pycds
RUN ["/pycds/pycds-image", "step", "--snapshot", "--", "python3", "-c", "${PROGRAM}"]
RUN PYCDS=report python3 -c '${PROGRAM}'
`,
    })
    const { code, stdout, stderr } = await run(builder ?? '', [
      ...[...storage, '--storage-driver', 'vfs'],
      ...[verb ?? '', '--isolation', ...isolation, '--tag', 'step', context],
    ])
    t.is(code, 0, stdout + stderr)
    t.regex(stdout + stderr, /thawed \d{2,} modules in/)
    // Neither of what it has put in itself, nor as of a bake before.
    t.notRegex(stdout + stderr, /warning: /)
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
