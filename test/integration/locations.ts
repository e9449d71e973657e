// SPDX-License-Identifier: Apache-2.0
// Bakes without an engine: every kind of location and every runtime of this machine give the layer that an engine
// gives, other tools read what was written, and whatever interrupts it leaves nothing.
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import test from 'ava'
import { RUNTIME_NAMES, type RuntimeName } from '../../src/engine/local/index.js'
import { type Descriptor, type ImageConfig, MEDIA_TYPES } from '../../src/image/index.js'
import { readTar } from '../../src/tar/index.js'
import type { DoctorResult } from '../../src/usecases/doctor.js'
import type { BakeResult } from '../../src/usecases/result.js'
import { baked } from '../helpers/baked.js'
import { bakes, pycds, signalWhenSaid, verifies } from '../helpers/cli.js'
import { docker, hasImage, imageName } from '../helpers/engine.js'
import { ensureImage } from '../helpers/images.js'
import { contentOf, LayoutMaker, named } from '../helpers/layout.js'
import { leftHere } from '../helpers/leftovers.js'
import { declareUnless } from '../helpers/repetition.js'
import { DEADLINE_MS, has, run } from '../helpers/run.js'
import { temporary } from '../helpers/temporary.js'
import { portion } from '../helpers/tier.js'

/** The command line of a machine that has control groups of the second kind alone, as current distributions do. */
const UNIFIED_CGROUPS = [
  ...['unshare', '--mount', '--propagation', 'private', 'sh', '-c'],
  ...['mount -t cgroup2 none /sys/fs/cgroup && exec "$@"', 'sh'],
]

interface Runtime {
  name: RuntimeName
  /** Words before the command line with which it works. */
  machine: readonly string[]
  /** Why it does not work here. */
  refusal?: string
}

/** Which runtimes work here; the others are skipped by name. */
async function findRuntimes(): Promise<Runtime[]> {
  const found: Runtime[] = []
  for (const name of RUNTIME_NAMES) {
    const here = await refusalOf(name, [])
    const machine = here?.includes('cgroups in hybrid mode') ? UNIFIED_CGROUPS : []
    const refusal = machine.length > 0 ? await refusalOf(name, machine) : here
    found.push({ name, machine, ...(refusal === undefined ? {} : { refusal }) })
  }
  return found
}

async function refusalOf(name: RuntimeName, machine: readonly string[]): Promise<string | undefined> {
  const { stdout, stderr } = await pycds(['doctor', 'oci:/nonexistent', '--runtime', name, '--json'], {
    machine,
  })
  if (stdout === '') return stderr
  const check = (JSON.parse(stdout) as DoctorResult).checks.find(({ id }) => id === 'engine')
  return check?.status === 'ok' ? undefined : (check?.detail ?? 'unknown')
}

const image = await ensureImage('minimal')
const hasSkopeo = await has('skopeo')
const hasUmoci = await has('umoci')
const runtimes = await findRuntimes()
const works = runtimes.some(({ refusal }) => refusal === undefined)
const withImage = image !== undefined && works ? test.serial : test.serial.skip
const withSkopeo = image !== undefined && works && hasSkopeo ? test.serial : test.serial.skip

/** The image as an archive and as a layout, made once. */
const shared: {
  directory?: string
  archive: string
  layout: string
  engineDiffId: string
  engineModules: number
} = {
  ...{ archive: '', layout: '', engineDiffId: '', engineModules: 0 },
}

test.serial.before(async (t) => {
  t.timeout(DEADLINE_MS)
  if (image === undefined) return
  const directory = join(tmpdir(), `pycds-test-locations-${process.pid}`)
  mkdirSync(directory)
  shared.directory = directory
  const file = join(directory, 'image.tar')
  t.is((await run('docker', ['save', '-o', file, image])).code, 0)
  shared.archive = `docker-archive:${file}`
  shared.layout = `oci:${join(directory, 'layout')}:1`
  if (hasSkopeo) t.is((await run('skopeo', ['copy', '-q', shared.archive, shared.layout])).code, 0)
  const { layer, archive } = (await baked(image)).result
  shared.engineDiffId = layer.diffId
  shared.engineModules = archive.modules
})

test.after.always(async () => {
  if (shared.directory) await run('rm', ['-rf', shared.directory])
})

withImage('docker-archive: gives the layer that the engine gives, and the engine loads it', async (t) => {
  t.timeout(DEADLINE_MS)
  const name = imageName(t)
  const file = join(temporary(t), 'out.tar')
  const result = await bakes(t, [shared.archive, '-o', `docker-archive:${file}:${name}`])
  t.is(result.layer.diffId, shared.engineDiffId)
  await docker('load', '-q', '-i', file)
  t.true(await hasImage(name))
})

for (const { name, machine, refusal } of runtimes) {
  const declare = refusal === undefined ? withSkopeo : test.serial.skip
  declare(
    `oci: gives the same layer when ${name} runs it${refusal === undefined ? '' : ` (${refusal})`}`,
    async (t) => {
      t.timeout(DEADLINE_MS)
      const output = `oci:${join(temporary(t), 'out')}`
      const result = await bakes(t, [shared.layout, '-o', output, '--runtime', name], { machine })
      // Under chroot alone there is no /proc, from which the list of shared libraries is taken.
      if (name === 'chroot') t.is(result.archive.modules, shared.engineModules)
      else t.is(result.layer.diffId, shared.engineDiffId)
    },
  )
}

for (const { name, machine, refusal } of runtimes) {
  // What is said to crun is said to runc.
  const declare = declareUnless(name === 'crun', refusal === undefined ? withImage : test.serial.skip)
  declare(`${name} gives a run the network of this machine only when asked`, async (t) => {
    t.timeout(DEADLINE_MS)
    const server = createServer((socket) => socket.end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.teardown(() => server.close())
    const { port } = server.address() as AddressInfo
    const connect = `import socket
socket.create_connection(("127.0.0.1", ${port}), 5)`
    const record = (network: string, program: string) => {
      const words = ['-o', join(temporary(t), 'trace.json'), '--runtime', name, '--network', network]
      return pycds(['trace', shared.archive, ...words, '--', 'python3', '-c', program], { machine })
    }
    const joined = await record('default', `${connect}\nopen("/etc/resolv.conf").close()`)
    t.is(joined.code, 0, joined.stderr)
    const alone = await record('none', connect)
    // A root is all that chroot keeps apart, which doctor says.
    t.is(alone.code, name === 'chroot' ? 0 : 3, alone.stderr)
    const elsewhere = await record('database', connect)
    t.is(elsewhere.code, 2)
    t.regex(elsewhere.stderr, /networks with names exist only in an engine/)
  })
}

withSkopeo('skopeo and umoci read what was written, and verify, inspect and doctor work on it', async (t) => {
  t.timeout(DEADLINE_MS)
  const directory = temporary(t)
  const before = contentOf(join(shared.directory ?? '', 'layout'))
  const output = `oci:${join(directory, 'out')}:x`
  await bakes(t, [shared.layout, '-o', output])
  t.deepEqual(contentOf(join(shared.directory ?? '', 'layout')), before)
  t.is((await run('skopeo', ['copy', '-q', output, `oci-archive:${join(directory, 'copy.tar')}:x`])).code, 0)
  if (hasUmoci) {
    const bundle = join(directory, 'bundle')
    t.is((await run('umoci', ['unpack', '--rootless', '--image', output.slice(4), bundle])).code, 0)
    t.true(existsSync(join(bundle, 'rootfs/opt/pycds/app.cds')))
  }
  await verifies(t, output, 90) // half of what a start imports before the hook weighs more here
  t.is((await pycds(['inspect', output, '--json'])).code, 0)
  t.is((await pycds(['doctor', output, '--json'])).code, 0)
})

withSkopeo('layers of zstd are read', async (t) => {
  t.timeout(DEADLINE_MS)
  const layout = `oci:${join(temporary(t), 'zstd')}:1`
  const copy = ['copy', '-q', '--dest-compress-format', 'zstd', '--dest-compress', shared.archive, layout]
  t.is((await run('skopeo', copy)).code, 0)
  const index = readdirSync(join(layout.split(':')[1] ?? '', 'blobs/sha256'))
  const manifest = index
    .map((name) => readFileSync(join(layout.split(':')[1] ?? '', 'blobs/sha256', name)))
    .find((bytes) => bytes.length < 1e5 && bytes.includes('tar+zstd'))
  t.truthy(manifest, 'skopeo did not write zstd')
  t.is((await bakes(t, [layout])).layer.diffId, shared.engineDiffId)
})

/** What a layout holds of its only image. */
function readLayout(directory: string) {
  const read = ({ digest }: Pick<Descriptor, 'digest'>) =>
    readFileSync(join(directory, 'blobs', digest.replace(':', '/')))
  const { manifests } = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8')) as {
    manifests: [Descriptor]
  }
  const manifest = JSON.parse(String(read(manifests[0]))) as { config: Descriptor; layers: Descriptor[] }
  const config = JSON.parse(String(read(manifest.config))) as ImageConfig
  return { manifest, config, lastLayer: () => gunzipSync(read(manifest.layers.at(-1) as Descriptor)) }
}

withImage('SOURCE_DATE_EPOCH is the time of all that a bake adds', async (t) => {
  t.timeout(DEADLINE_MS)
  const directory = join(temporary(t), 'out')
  const env = { SOURCE_DATE_EPOCH: '1700000000' }
  await bakes(t, [shared.archive, '-o', `oci:${directory}:1`], { env })
  const { config, lastLayer } = readLayout(directory)
  t.is(Date.parse(config.created ?? ''), 1.7e12)
  t.is(Date.parse(config.history?.at(-1)?.created ?? ''), 1.7e12)
  const times = new Map<string, number>()
  await readTar(lastLayer(), async ({ name, type, mtime }) => {
    // Directories of the image keep theirs.
    if (type === 'file' || name.startsWith('opt/pycds')) times.set(name, mtime.getTime())
  })
  t.true(times.has('opt/pycds'))
  t.true(times.has('opt/pycds/app.cds'))
  t.deepEqual(new Set(times.values()), new Set([1.7e12]))
})

const POLL_MS = 50
const FILES_PER_FOLDER = 100
const FOLDERS = portion(150_000) / FILES_PER_FOLDER
const HOLES = portion(5 * 2 ** 30)
const PEAK_LIMIT_KB = 250_000

/** Writes the peak memory of a process into a file at its end. That of `getrusage` may be its parent's. */
const TELL_PEAK = `import { readFileSync, writeFileSync } from 'node:fs'
process.on('exit', () => {
  const [, peak] = /^VmHWM:\\s*(\\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))
  writeFileSync(process.env.TEST_PEAK, peak)
})`

withSkopeo(
  `a layer with ${FILES_PER_FOLDER * FOLDERS} files and ${HOLES} bytes of holes is baked on, in ${PEAK_LIMIT_KB} kB`,
  async (t) => {
    t.timeout(2 * DEADLINE_MS)
    const tree = temporary(t)
    for (let folder = 0; folder < FOLDERS; folder++) {
      const path = join(tree, 'many', String(folder))
      mkdirSync(path, { recursive: true })
      for (let file = 0; file < FILES_PER_FOLDER; file++) writeFileSync(join(path, String(file)), `${file}`)
    }
    writeFileSync(join(tree, 'holes'), 'beginning')
    truncateSync(join(tree, 'holes'), HOLES)
    appendFileSync(join(tree, 'holes'), 'end')
    const tar = join(temporary(t), 'layer.tar')
    t.is((await run('tar', ['-C', tree, '--format=pax', '-S', '-cf', tar, 'many', 'holes'])).code, 0)

    const path = join(temporary(t), 'layout')
    cpSync(shared.layout.split(':')[1] ?? '', path, { recursive: true })
    const { manifest, config } = readLayout(path)
    const layout = new LayoutMaker(path)
    const layer = layout.blob(MEDIA_TYPES.layer, readFileSync(tar))
    const diffIds = [...config.rootfs.diff_ids, layer.digest]
    const changed = layout.blob(MEDIA_TYPES.config, {
      ...config,
      rootfs: { ...config.rootfs, diff_ids: diffIds },
      history: [...(config.history ?? []), { created_by: 'test' }],
    })
    const layers = [...manifest.layers, layer]
    layout.index([named(layout.blob(MEDIA_TYPES.manifest, { ...manifest, config: changed, layers }), '1')])

    const program = `import json, os
assert sum(len(files) for _, _, files in os.walk("/many")) == ${FILES_PER_FOLDER * FOLDERS}
assert open("/many/${FOLDERS - 1}/99").read() == "99"
file = open("/holes", "rb")
assert file.read(9) == b"beginning" and file.seek(-5, 2) == ${HOLES} - 2 and file.read() == b"\\0\\0end"`
    const output = ['-o', `oci:${join(temporary(t), 'out')}`]
    const preload = join(temporary(t, { 'peak.mjs': TELL_PEAK }), 'peak.mjs')
    const peak = join(temporary(t), 'peak')
    const env = { NODE_OPTIONS: `--import=${preload}`, TEST_PEAK: peak }
    // Measured, since that makes the new image out of what was unpacked.
    const words = ['bake', `oci:${path}:1`, ...output, '--json', '--measure', '1']
    const { code, stdout, stderr } = await pycds([...words, '--', 'python3', '-c', program], { env })
    t.is(code, 0, stdout + stderr)
    t.true((JSON.parse(stdout) as BakeResult).archive.modules > 0)
    const peakKb = Number(readFileSync(peak, 'utf8'))
    t.true(peakKb > 0 && peakKb <= PEAK_LIMIT_KB, `${peakKb} kB`)
    t.deepEqual(leftHere(), [])
  },
)

withImage('an interrupted bake leaves nothing', async (t) => {
  t.timeout(DEADLINE_MS)
  const loop = 'import time\nprint("running", flush=True)\nwhile True: time.sleep(0.1)'
  const options = ['--progress', 'plain', '--app-output', 'show', '--ready', 'exit']
  // It runs in its root then.
  const onStart = signalWhenSaid('running', 'SIGINT')
  const bake = ['bake', shared.archive, ...options, '--', 'python3', '-c', loop]
  t.is((await pycds(bake, { onStart })).code, 130)
  t.false(existsSync(`${shared.archive.split(':')[1]?.replace('.tar', '-cds.tar')}`))
  // On a busy machine the rest is removed by a process that nobody waits for: the deadline is the test's own.
  while (leftHere().length > 0) await setTimeout(POLL_MS)
})
