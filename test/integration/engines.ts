// SPDX-License-Identifier: Apache-2.0
// One image, wherever it lies: each engine and each kind of location gives the same layer, and containers load it.
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import type { BakeResult } from '../../src/bake/result.js'
import { run } from '../helpers/builds.js'
import { exampleImage } from '../helpers/images.js'
import { temporary } from '../helpers/layout.js'
import { Podman, type PodmanKind } from '../helpers/podman.js'
import { type SideEngine, sideEngine } from '../helpers/side-engine.js'

const CLI = fileURLToPath(new URL('../../dist/bin/run.js', import.meta.url))
const DEADLINE_MS = 5 * 60_000
const KINDS: readonly PodmanKind[] = ['rootful', 'rootless']

const image = await exampleImage('02-command-line-tool', 'bookworm')
const directory = join(tmpdir(), `pycds-test-engines-${process.pid}`)
const archive = join(directory, 'image.tar')
/** What the engine at hand gives. */
let diffId = ''

const podmans = new Map<PodmanKind, Podman | string>()
for (const kind of KINDS) podmans.set(kind, image === undefined ? 'no image' : await Podman.start(kind))
const sides = new Map<string, SideEngine | string>()
for (const name of ['docker-28', 'docker-28-containerd'] as const)
  sides.set(name, image === undefined ? 'no image' : await sideEngine(name))
const withImage = image === undefined ? test.serial.skip : test.serial
const hasTools = (await Promise.all(['skopeo', 'umoci'].map((tool) => run(tool, ['--version'])))).every(
  ({ code }) => code === 0,
)

const pycds = (args: readonly string[], env: Record<string, string> = {}) =>
  run(process.execPath, [CLI, ...args, '--json'], { env })

async function bake(t: ExecutionContext, args: readonly string[], env?: Record<string, string>) {
  const { code, stdout, stderr } = await pycds(['bake', ...args, '--measure', '0'], env)
  t.is(code, 0, stdout + stderr)
  return JSON.parse(stdout) as BakeResult
}

async function verify(t: ExecutionContext, name: string, env: Record<string, string> = {}): Promise<void> {
  const { code, stdout, stderr } = await pycds(['verify', name, '--min-hit-rate', '95'], env)
  t.is(code, 0, stdout + stderr)
  // What looks at ports has to be put into the container, also over a read-only root.
  const server = ['--ready', 'http:8000/', '--', 'python3', '-m', 'http.server', '8000']
  const served = await run(process.execPath, [CLI, 'verify', name, ...server], { env })
  t.is(served.code, 0, served.stdout + served.stderr)
}

const remove = (name: string) => run('docker', ['image', 'rm', '--force', name])

test.before(async (t) => {
  t.timeout(DEADLINE_MS)
  if (image === undefined) return
  mkdirSync(directory)
  t.is((await run('docker', ['save', '-o', archive, image])).code, 0)
})

test.after.always(async () => {
  for (const podman of podmans.values()) if (typeof podman !== 'string') await podman.stop()
  await run('rm', ['-rf', directory])
})

withImage('the engine at hand', async (t) => {
  t.timeout(DEADLINE_MS)
  const name = `pycds-test-engines:${process.pid}`
  t.teardown(() => remove(name))
  diffId = (await bake(t, [image ?? '', '-t', name])).layer.diffId
  await verify(t, name)
})

for (const [engine, side] of sides) {
  const isThere = typeof side !== 'string'
  const declare = isThere ? withImage : test.serial.skip
  declare(
    `${engine}${isThere ? '' : ` (${side})`}: the digests of metadata are those that it knows`,
    async (t) => {
      t.timeout(DEADLINE_MS)
      if (!isThere) return
      const env = { DOCKER_HOST: side.address }
      const client = (...args: string[]) => run('docker', args, { env })
      const [source, name] = [`pycds-test-engines-source:${process.pid}`, `pycds-test-engines:${process.pid}`]
      t.teardown(async () => {
        await client('image', 'rm', '--force', source, name, image ?? '')
      })
      t.is((await client('load', '--quiet', '--input', archive)).code, 0)
      t.is((await client('tag', image ?? '', source)).code, 0)
      const file = join(temporary(t), 'metadata.json')
      const result = await bake(t, [source, '-t', name, '--metadata-file', file], env)
      t.is(result.layer.diffId, diffId)
      await verify(t, name, env)
      const metadata = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>
      const { stdout } = await client('image', 'inspect', '--format', '{{.Id}}', name)
      t.is(metadata['containerimage.digest'], stdout.trim())
      const hasManifests = engine.endsWith('containerd')
      t.is(metadata['containerimage.config.digest'] === stdout.trim(), !hasManifests)
    },
  )
}

for (const [kind, podman] of podmans) {
  const isThere = typeof podman !== 'string'
  const declare = isThere ? withImage : test.serial.skip
  declare(`Podman, ${kind}${isThere ? '' : ` (${podman})`}`, async (t) => {
    t.timeout(DEADLINE_MS)
    if (!isThere) return
    // A file that another user reads.
    await run('chmod', ['-R', 'a+rX', directory])
    const loaded = await podman.client('load', '--quiet', '--input', archive)
    t.is(loaded.code, 0, loaded.stderr)
    const env = { DOCKER_HOST: podman.host }
    const result = await bake(t, [image ?? '', '-t', 'baked:1'], env)
    t.is(result.layer.diffId, diffId)
    await verify(t, 'baked:1', env)
    // Its own client finds the image under its name, and nothing else that the bake has made.
    const listed = await podman.client('images', '--format', '{{.Repository}}:{{.Tag}}')
    t.true(listed.stdout.includes('localhost/baked:1'), listed.stdout)
    t.false(listed.stdout.includes('pending'), listed.stdout)
    t.is((await podman.client('ps', '--all', '--quiet')).stdout, '')
  })
}

withImage('from an engine to a layout, which skopeo and umoci read, and back to the engine', async (t) => {
  t.timeout(DEADLINE_MS)
  const folder = temporary(t)
  const layout = `oci:${join(folder, 'layout')}:1`
  const result = await bake(t, [image ?? '', '-o', layout])
  t.is(result.layer.diffId, diffId)
  await verify(t, layout)
  if (hasTools) {
    const copied = await run('skopeo', [
      'copy',
      '-q',
      layout,
      `docker-archive:${join(folder, 'copy.tar')}:x:1`,
    ])
    t.is(copied.code, 0, copied.stderr)
    const bundle = join(folder, 'bundle')
    t.is((await run('umoci', ['unpack', '--rootless', '--image', layout.slice(4), bundle])).code, 0)
    t.true(existsSync(join(bundle, 'rootfs/opt/pycds/app.cds')))
  }
  // Baking what is baked replaces its layer.
  const name = `pycds-test-engines-back:${process.pid}`
  t.teardown(() => remove(name))
  t.is((await bake(t, [layout, '-o', name])).layer.diffId, diffId)
  await verify(t, name)
})

withImage('an archive of the engine, and a layout that skopeo makes of it', async (t) => {
  t.timeout(DEADLINE_MS)
  const folder = temporary(t)
  const out = `docker-archive:${join(folder, 'out.tar')}:baked:1`
  t.is((await bake(t, [`docker-archive:${archive}`, '-o', out])).layer.diffId, diffId)
  if (!hasTools) return t.log('skopeo and umoci are not installed: no layout')
  const layout = `oci:${join(folder, 'layout')}:1`
  t.is((await run('skopeo', ['copy', '-q', `docker-archive:${archive}`, layout])).code, 0)
  t.is((await bake(t, [layout])).layer.diffId, diffId)
  await verify(t, `${layout}-cds`)
})
