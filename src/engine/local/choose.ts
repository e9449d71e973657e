// SPDX-License-Identifier: Apache-2.0
// Which runtime works here. Being installed says little inside containers and under security modules, so each one
// has to run a program of this machine before it is trusted with an image.
import { randomUUID } from 'node:crypto'
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { PycdsError } from '../../errors/index.js'
import { makeTemporary } from '../../oci/index.js'
import { findProgram, runProgram } from './processes.js'
import { BubblewrapRuntime } from './runtimes/bubblewrap.js'
import { OciRuntime } from './runtimes/oci.js'
import { ChrootRuntime, NamespacesRuntime } from './runtimes/runner.js'
import { RUNTIME_NAMES, type Runtime, type RuntimeName } from './runtimes/runtime.js'
import { removeTree } from './workspace.js'

/** What was found out of one runtime. */
export interface Trial {
  readonly name: RuntimeName
  /** Why it was not taken; undefined for the one that was. */
  readonly refusal: string | undefined
}

export interface Choice {
  readonly runtime: Runtime
  /** All that were tried before it, and itself. */
  readonly trials: readonly Trial[]
}

/** A probe that takes longer hangs. */
const PROBE_DEADLINE_MS = 20_000
const PROGRAM_PLACES = ['/usr', '/bin', '/lib', '/lib64', '/nix', '/gnu']

/** Tries the runtimes in order of preference; ENGINE_UNREACHABLE where none works. */
export async function chooseRuntime(forced: RuntimeName | undefined): Promise<Choice> {
  const trials: Trial[] = []
  for (const name of forced === undefined ? RUNTIME_NAMES : [forced]) {
    const found = await open(name)
    const refusal = typeof found === 'string' ? found : await probe(found)
    trials.push({ name, refusal })
    if (typeof found !== 'string' && refusal === undefined) return { runtime: found, trials }
  }
  throw noneWorks(trials, forced)
}

/** `crun 1.8.1 (bubblewrap: not installed)`, as it is shown to people. */
export function describeChoice({ runtime, trials }: Choice): string {
  const passed = trials.flatMap(({ name, refusal }) => (refusal === undefined ? [] : [`${name}: ${refusal}`]))
  const limits = runtime.limits.map((limit) => `, ${limit}`).join('')
  return `${runtime.name} ${runtime.version}${limits}${passed.length > 0 ? ` (${passed.join('; ')})` : ''}`
}

async function open(name: RuntimeName): Promise<Runtime | string> {
  if (name === 'crun' || name === 'runc') {
    const file = await findProgram(name)
    if (file === undefined) return 'not installed'
    const { stdout } = await runProgram(file, ['--version'])
    return new OciRuntime(name, file, /version (\S+)/.exec(stdout)?.[1] ?? 'unknown')
  }
  if (name === 'bubblewrap') {
    const file = await findProgram('bwrap')
    if (file === undefined) return 'not installed'
    const { stdout } = await runProgram(file, ['--version'])
    return new BubblewrapRuntime(file, /(\d[\d.]*)/.exec(stdout)?.[1] ?? 'unknown')
  }
  if (name === 'namespaces') return new NamespacesRuntime()
  return process.geteuid?.() === 0 ? new ChrootRuntime() : 'only root may use it'
}

/** Runs `true` of this machine in a root that shows nothing but its programs; returns why it did not work. */
async function probe(runtime: Runtime): Promise<string | undefined> {
  const directory = await makeTemporary()
  // Without mounts there is only the root of this machine that has a program in it.
  const root = runtime.name === 'chroot' ? '/' : join(directory, 'root')
  const bundle = join(directory, 'bundle')
  try {
    await mkdir(bundle)
    if (runtime.name !== 'chroot') {
      for (const name of ['', 'proc', 'dev', ...PROGRAM_PLACES])
        await mkdir(join(root, name), { recursive: true })
    }
    const command = await findProgram('true')
    if (command === undefined) return undefined
    const sources = ['/usr', '/bin', '/lib', '/lib64', '/nix', '/gnu']
    const present = await Promise.all(
      sources.map(async (path) => (await stat(path).catch(() => undefined)) && path),
    )
    const mounts = present.flatMap((path) => (path ? [{ source: path, target: path, readOnly: true }] : []))
    const plan = {
      id: `pycds-probe-${randomUUID()}`,
      root,
      bundle,
      command: [command],
      env: {},
      cwd: '/',
      user: { ...someone(runtime), groups: [], home: '/' },
      hostname: 'probe',
      isolateNetwork: true,
      readOnly: false,
      capabilities: [],
      networkFiles: [],
      mounts,
      ownersKept: runtime.keepsOwners,
    }
    const output: Buffer[] = []
    const { child, started } = await runtime.run(plan)
    child.stderr?.on('data', (chunk: Buffer) => output.push(chunk))
    child.stdout?.resume()
    const code = await new Promise<number | null>((resolve) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), PROBE_DEADLINE_MS)
      child.on('error', () => resolve(null))
      child.on('close', (exitCode) => {
        clearTimeout(timer)
        resolve(exitCode)
      })
    })
    const start = await started
    // Under chroot this would end whatever has the root of this machine.
    if (runtime.name !== 'chroot') await runtime.cleanUp(plan)
    if ('failure' in start) return shorten(start.failure.reason)
    return code === 0 ? undefined : shorten(Buffer.concat(output).toString()) || `it ended with ${code}`
  } finally {
    await removeTree(directory)
  }
}

/** Where users are mapped, any user of an image must be possible, and not only root. */
function someone({ keepsOwners }: Runtime): { uid: number; gid: number } {
  return keepsOwners ? { uid: 0, gid: 0 } : { uid: 1000, gid: 1000 }
}

function shorten(reason: string): string {
  return reason.trim().split('\n')[0]?.slice(0, 160) ?? ''
}

function noneWorks(trials: readonly Trial[], forced: RuntimeName | undefined): PycdsError {
  const reasons = trials.map(({ name, refusal }) => `${name}: ${refusal}`).join('; ')
  const what = forced === undefined ? 'no runtime can run a container here' : `${forced} does not work here`
  return new PycdsError('ENGINE_UNREACHABLE', {
    message: `runtime: ${what} (${reasons})`,
    hint:
      'Install crun, or run `pycds-image step` inside a container of that image, which needs no runtime: with a ' +
      'command, with --import MODULE, or with --train none --trace-in FILE (docs/build-step.md).',
  })
}
