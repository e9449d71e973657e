// SPDX-License-Identifier: Apache-2.0
// Bakes without an engine: every kind of location and every runtime of this machine give the layer that an engine
// gives, other tools read what was written, and whatever interrupts it leaves nothing.
import { execFile, spawn } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import type { DoctorResult } from '../../src/bake/doctor.js'
import type { BakeResult } from '../../src/bake/result.js'
import { RUNTIME_NAMES, type RuntimeName } from '../../src/engine/local/index.js'
import { type Descriptor, type ImageConfig, MEDIA_TYPES } from '../../src/image/index.js'
import { readTar } from '../../src/tar/index.js'
import { exampleImage } from '../helpers/images.js'
import { contentOf, LayoutMaker, named, temporary } from '../helpers/layout.js'

const CLI = fileURLToPath(new URL('../../dist/bin/run.js', import.meta.url))
const DEADLINE_MS = 5 * 60_000

interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

function run(file: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { timeout: DEADLINE_MS, maxBuffer: 2 ** 28 }
    execFile(file, [...args], options, (error, stdout, stderr) => {
      resolve({ code: error ? (typeof error.code === 'number' ? error.code : null) : 0, stdout, stderr })
    })
  })
}

/** The command line of a machine that has control groups of the second kind alone, as current distributions do. */
const UNIFIED_CGROUPS = [
  ...['unshare', '--mount', '--propagation', 'private', 'sh', '-c'],
  ...['mount -t cgroup2 none /sys/fs/cgroup && exec "$@"', 'sh'],
]

const pycds = (...args: string[]) => pycdsOn([], ...args)
const pycdsOn = (machine: readonly string[], ...args: string[]) => {
  const [program = '', ...rest] = [...machine, process.execPath, CLI, ...args]
  return run(program, rest)
}
const has = async (tool: string) => (await run(tool, ['--version'])).code === 0

const bake = (t: ExecutionContext, ...args: string[]) => bakeOn([], t, ...args)
async function bakeOn(machine: readonly string[], t: ExecutionContext, ...args: string[]) {
  const { code, stdout, stderr } = await pycdsOn(machine, 'bake', '--json', '--measure', '0', ...args)
  t.is(code, 0, stdout + stderr)
  return JSON.parse(stdout) as BakeResult
}

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
  const { stdout, stderr } = await pycdsOn(
    machine,
    ...['doctor', 'oci:/nonexistent', '--runtime', name, '--json'],
  )
  if (stdout === '') return stderr
  const check = (JSON.parse(stdout) as DoctorResult).checks.find(({ id }) => id === 'engine')
  return check?.status === 'ok' ? undefined : (check?.detail ?? 'unknown')
}

const image = await exampleImage('02-command-line-tool', 'bookworm')
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
  const name = `pycds-test-locations:${process.pid}`
  const baked = await bake(t as unknown as ExecutionContext, image, '-t', name)
  shared.engineDiffId = baked.layer.diffId
  shared.engineModules = baked.archive.modules
  await run('docker', ['image', 'rm', '--force', name])
})

test.after.always(async () => {
  if (shared.directory) await run('rm', ['-rf', shared.directory])
})

withImage('docker-archive: gives the layer that the engine gives, and the engine loads it', async (t) => {
  t.timeout(DEADLINE_MS)
  const output = `docker-archive:${join(temporary(t), 'out.tar')}:pycds-test-locations:${process.pid}`
  const result = await bake(t, shared.archive, '-o', output)
  t.is(result.layer.diffId, shared.engineDiffId)
  t.is((await run('docker', ['load', '-q', '-i', output.split(':')[1] ?? ''])).code, 0)
  const name = `pycds-test-locations:${process.pid}`
  t.is((await run('docker', ['image', 'inspect', name])).code, 0)
  await run('docker', ['image', 'rm', '--force', name])
})

for (const { name, machine, refusal } of runtimes) {
  const declare = refusal === undefined ? withSkopeo : test.serial.skip
  declare(
    `oci: gives the same layer when ${name} runs it${refusal === undefined ? '' : ` (${refusal})`}`,
    async (t) => {
      t.timeout(DEADLINE_MS)
      const output = `oci:${join(temporary(t), 'out')}`
      const result = await bakeOn(machine, t, shared.layout, '-o', output, '--runtime', name)
      // Under chroot alone there is no /proc, from which the list of shared libraries is taken.
      if (name === 'chroot') t.is(result.archive.modules, shared.engineModules)
      else t.is(result.layer.diffId, shared.engineDiffId)
    },
  )
}

for (const { name, machine, refusal } of runtimes) {
  const declare = refusal === undefined ? withImage : test.serial.skip
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
      return pycdsOn(machine, 'trace', shared.archive, ...words, '--', 'python3', '-c', program)
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
  await bake(t, shared.layout, '-o', output)
  t.deepEqual(contentOf(join(shared.directory ?? '', 'layout')), before)
  t.is((await run('skopeo', ['copy', '-q', output, `oci-archive:${join(directory, 'copy.tar')}:x`])).code, 0)
  if (hasUmoci) {
    const bundle = join(directory, 'bundle')
    t.is((await run('umoci', ['unpack', '--rootless', '--image', output.slice(4), bundle])).code, 0)
    t.true(existsSync(join(bundle, 'rootfs/opt/pycds/app.cds')))
  }
  const verified = await pycds('verify', output, '--min-hit-rate', '95', '--json')
  t.is(verified.code, 0, verified.stdout)
  t.is((await pycds('inspect', output, '--json')).code, 0)
  t.is((await pycds('doctor', output, '--json')).code, 0)
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
  t.is((await bake(t, layout)).layer.diffId, shared.engineDiffId)
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
  const words = ['env', 'SOURCE_DATE_EPOCH=1700000000']
  await bakeOn(words, t, shared.archive, '-o', `oci:${directory}:1`)
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

withSkopeo('a layer with 100,000 files and one of 5 GiB with holes is baked on', async (t) => {
  t.timeout(2 * DEADLINE_MS)
  const tree = temporary(t)
  for (let folder = 0; folder < 100; folder++) {
    const path = join(tree, 'many', String(folder))
    mkdirSync(path, { recursive: true })
    for (let file = 0; file < 1000; file++) writeFileSync(join(path, String(file)), `${file}`)
  }
  writeFileSync(join(tree, 'holes'), 'beginning')
  truncateSync(join(tree, 'holes'), 5 * 2 ** 30)
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

  const before = leftovers()
  const program = `import json, os
assert sum(len(files) for _, _, files in os.walk("/many")) == 100000
assert open("/many/99/999").read() == "999"
file = open("/holes", "rb")
assert file.read(9) == b"beginning" and file.seek(-5, 2) == 5 * 2**30 - 2 and file.read() == b"\\0\\0end"`
  const output = ['-o', `oci:${join(temporary(t), 'out')}`]
  const { archive } = await bake(t, `oci:${path}:1`, ...output, '--', 'python3', '-c', program)
  t.true(archive.modules > 0)
  t.deepEqual(leftovers(), before)
})

/** Directories of runs in the temporary directory, and processes whose root is in one. */
function leftovers(): string[] {
  const own = /^pycds-[0-9a-f]{8}-\d+-/
  const directories = readdirSync(tmpdir()).filter((name) => own.test(name))
  const processes = readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/root`).includes(`${tmpdir()}/pycds-`)
    } catch {
      return false // it has ended
    }
  })
  return [...directories, ...processes]
}

async function interrupted(t: ExecutionContext, signal: NodeJS.Signals): Promise<number | null> {
  const loop = ['--', 'python3', '-c', 'import time\nwhile True: time.sleep(0.1)']
  const args = [CLI, 'bake', shared.archive, '--progress', 'plain', '--ready', 'exit', ...loop]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const exited = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)))
  let seen = ''
  await new Promise<void>((resolve) => {
    child.stderr.on('data', (chunk: Buffer) => {
      seen += chunk.toString()
      if (seen.includes('[train] Run')) resolve()
    })
    child.on('exit', () => resolve())
  })
  // Until the command runs in its root.
  const deadline = Date.now() + 120_000
  while (Date.now() < deadline && leftovers().length === 0)
    await new Promise((resolve) => setTimeout(resolve, 50))
  child.kill(signal)
  const code = await exited
  // What it started may outlive it, and has this pipe, too.
  child.stderr.destroy()
  t.false(existsSync(`${shared.archive.split(':')[1]?.replace('.tar', '-cds.tar')}`))
  return code
}

withImage('an interrupted bake leaves nothing', async (t) => {
  t.timeout(DEADLINE_MS)
  const before = leftovers()
  t.is(await interrupted(t, 'SIGINT'), 130)
  t.deepEqual(leftovers(), before)
})

withImage('what a killed bake leaves is removed by the next one', async (t) => {
  t.timeout(DEADLINE_MS)
  const before = leftovers()
  t.is(await interrupted(t, 'SIGKILL'), null)
  t.not(leftovers().length, before.length)
  await bake(t, shared.archive, '-o', `docker-archive:${join(temporary(t), 'out.tar')}`)
  t.deepEqual(leftovers(), before)
})
