// SPDX-License-Identifier: Apache-2.0
// Bakes without an engine: every kind of location and every runtime of this machine give the layer that an engine
// gives, other tools read what was written, and whatever interrupts it leaves nothing.
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import type { DoctorResult } from '../../src/bake/doctor.js'
import type { BakeResult } from '../../src/bake/result.js'
import { RUNTIME_NAMES, type RuntimeName } from '../../src/engine/local/index.js'
import { exampleImage } from '../helpers/images.js'
import { contentOf, temporary } from '../helpers/layout.js'

const CLI = fileURLToPath(new URL('../../dist/bin/run.js', import.meta.url))
const DEADLINE_MS = 5 * 60_000

interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

function run(file: string, args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env }, timeout: DEADLINE_MS, maxBuffer: 2 ** 28 }
    execFile(file, [...args], options, (error, stdout, stderr) => {
      resolve({ code: error ? (typeof error.code === 'number' ? error.code : null) : 0, stdout, stderr })
    })
  })
}

const pycds = (...args: string[]) => run(process.execPath, [CLI, ...args])
const has = async (tool: string) => (await run(tool, ['--version'])).code === 0

async function bake(t: ExecutionContext, ...args: string[]): Promise<BakeResult> {
  const { code, stdout, stderr } = await pycds('bake', ...args, '--json', '--measure', '0')
  t.is(code, 0, stdout + stderr)
  return JSON.parse(stdout) as BakeResult
}

/** Which runtimes work here; the others are skipped by name. */
async function findRuntimes(): Promise<Map<RuntimeName, string | undefined>> {
  const found = new Map<RuntimeName, string | undefined>()
  for (const name of RUNTIME_NAMES) {
    const { stdout } = await pycds('doctor', 'oci:/nonexistent', '--runtime', name, '--json')
    const check = (JSON.parse(stdout) as DoctorResult).checks.find(({ id }) => id === 'engine')
    found.set(name, check?.status === 'ok' ? undefined : (check?.detail ?? 'unknown'))
  }
  return found
}

const image = await exampleImage('02-command-line-tool', 'bookworm')
const hasSkopeo = await has('skopeo')
const hasUmoci = await has('umoci')
const runtimes = await findRuntimes()
const works = [...runtimes.values()].some((refusal) => refusal === undefined)
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

for (const [name, refusal] of runtimes) {
  const declare = refusal === undefined ? withSkopeo : test.serial.skip
  declare(
    `oci: gives the same layer when ${name} runs it${refusal === undefined ? '' : ` (${refusal})`}`,
    async (t) => {
      t.timeout(DEADLINE_MS)
      const result = await bake(t, shared.layout, '-o', `oci:${join(temporary(t), 'out')}`, '--runtime', name)
      // Under chroot alone there is no /proc, from which the list of shared libraries is taken.
      if (name === 'chroot') t.is(result.archive.modules, shared.engineModules)
      else t.is(result.layer.diffId, shared.engineDiffId)
    },
  )
}

for (const [name, refusal] of runtimes) {
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
      return pycds('trace', shared.archive, ...words, '--', 'python3', '-c', program)
    }
    const joined = await record('default', `${connect}\nopen("/etc/resolv.conf").close()`)
    t.is(joined.code, 0, joined.stderr)
    const alone = await record('none', connect)
    // A root is all that chroot keeps apart, which doctor says.
    t.is(alone.code, name === 'chroot' ? 0 : 3, alone.stderr)
    const named = await record('database', connect)
    t.is(named.code, 2)
    t.regex(named.stderr, /networks with names exist only in an engine/)
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
