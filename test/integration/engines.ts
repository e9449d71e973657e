// SPDX-License-Identifier: Apache-2.0
// One image, wherever it lies: each engine and each kind of location gives the same layer, and containers load it.
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { baked } from '../helpers/baked.js'
import { bakes, verifies } from '../helpers/cli.js'
import { docker, imageName } from '../helpers/engine.js'
import { ensureImage } from '../helpers/images.js'
import { Podman, type PodmanKind } from '../helpers/podman.js'
import { DEADLINE_MS, has, run } from '../helpers/run.js'
import { type SideEngine, sideEngine } from '../helpers/side-engine.js'
import { temporary } from '../helpers/temporary.js'
import { TIER } from '../helpers/tier.js'

const KINDS: readonly PodmanKind[] = TIER === 'all' ? ['rootful', 'rootless'] : ['rootful']

const image = await ensureImage('minimal')
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
const hasTools = (await has('skopeo')) && (await has('umoci'))

/** Percent. What a start imports before the hook weighs much beside so little. */
const HIT_RATE = 90
const SERVER_HIT_RATE = 75

/**
 * Starts another command than the one that was trained, of which most is served all the same. What looks at its port
 * has to be put into the container, also over a read-only root: each engine does that its way.
 */
async function verifiesServer(
  t: ExecutionContext,
  name: string,
  env: Record<string, string> = {},
): Promise<void> {
  const server = ['--ready', 'http:8000/', '--', 'python3', '-m', 'http.server', '8000']
  await verifies(t, name, SERVER_HIT_RATE, server, { env })
}

test.before(async (t) => {
  t.timeout(DEADLINE_MS)
  if (image === undefined) return
  mkdirSync(directory)
  await docker('save', '-o', archive, image)
  diffId = (await baked(image)).result.layer.diffId
})

test.after.always(async () => {
  for (const podman of podmans.values()) if (typeof podman !== 'string') await podman.stop()
  await run('rm', ['-rf', directory])
})

withImage('the engine at hand', async (t) => {
  t.timeout(DEADLINE_MS)
  const { name } = await baked(image ?? '')
  await verifies(t, name, HIT_RATE)
  await verifiesServer(t, name)
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
      const result = await bakes(t, [source, '-t', name, '--metadata-file', file], { env })
      t.is(result.layer.diffId, diffId)
      await verifiesServer(t, name, env)
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
    const result = await bakes(t, [image ?? '', '-t', 'baked:1'], { env })
    t.is(result.layer.diffId, diffId)
    await verifiesServer(t, 'baked:1', env)
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
  const result = await bakes(t, [image ?? '', '-o', layout])
  t.is(result.layer.diffId, diffId)
  await verifiesServer(t, layout)
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
  const name = imageName(t)
  t.is((await bakes(t, [layout, '-o', name])).layer.diffId, diffId)
  await verifies(t, name, HIT_RATE)
})

withImage('an archive of the engine, and a layout that skopeo makes of it', async (t) => {
  t.timeout(DEADLINE_MS)
  const folder = temporary(t)
  const out = `docker-archive:${join(folder, 'out.tar')}:baked:1`
  t.is((await bakes(t, [`docker-archive:${archive}`, '-o', out])).layer.diffId, diffId)
  if (!hasTools) return t.log('skopeo and umoci are not installed: no layout')
  const layout = `oci:${join(folder, 'layout')}:1`
  t.is((await run('skopeo', ['copy', '-q', `docker-archive:${archive}`, layout])).code, 0)
  t.is((await bakes(t, [layout])).layer.diffId, diffId)
  await verifies(t, `${layout}-cds`, HIT_RATE)
})
