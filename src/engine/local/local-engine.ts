// SPDX-License-Identifier: Apache-2.0
// Containers without an engine: an image is unpacked, and a runtime of this machine runs its command.
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PycdsError } from '../../errors/index.js'
import { ImageNames } from '../../image/index.js'
import type { Progress } from '../../log/index.js'
import type { ImageContents } from '../../oci/index.js'
import { hostPlatform, withRoom } from '../../oci/index.js'
import type { Container, ContainerSpec, Engine, EngineDescription } from '../../ports/index.js'
import { putFiles, readInside } from '../../rootfs/index.js'
import type { TarEntry } from '../../tar/index.js'
import { containerHostname } from '../../util/container-hostname.js'
import { Creations } from '../../util/creations.js'
import { type Choice, chooseRuntime, describeChoice } from './choose.js'
import { findEmulated } from './emulation.js'
import { LocalContainer } from './local-container.js'
import { assertMounts } from './mounts.js'
import { findProgram } from './processes.js'
import { type Root, RootPool } from './roots.js'
import {
  capabilitiesOf,
  containerCommand,
  containerEnvironment,
  isolatesNetwork,
  type RunPlan,
} from './run-plan.js'
import { OciRuntime } from './runtimes/oci.js'
import type { Runtime, RuntimeName } from './runtimes/runtime.js'
import { resolveUser } from './users.js'
import { removeAbandonedWorkspaces, Workspace } from './workspace.js'

export interface LocalEngineOptions {
  /** Gives every part of an image by its id. */
  contents(image: string): ImageContents
  /** For messages. */
  readonly names?: ImageNames
  /** Absent: the first that works. */
  runtime?: RuntimeName
  /** Ends what takes long, as unpacking an image does. */
  signal?: AbortSignal
}

export class LocalEngine implements Engine {
  readonly #options: LocalEngineOptions
  readonly #names: ImageNames
  readonly #workspace = new Workspace()
  readonly #pool: RootPool
  readonly #containers = new Set<LocalContainer>()
  readonly #creations = new Creations()
  #choice: Promise<Choice> | undefined
  #tidied: Promise<void> | undefined
  #progress: Pick<Progress, 'step'> | undefined

  constructor(options: LocalEngineOptions) {
    this.#options = options
    this.#names = options.names ?? new ImageNames()
    this.#pool = new RootPool({
      contents: options.contents,
      workspace: this.#workspace,
      onUnpack: (subject) => this.#tellUnpacking(subject),
    })
    const { signal } = options
    signal?.addEventListener('abort', () => this.#pool.stop(interrupted('an image')), { once: true })
  }

  async describe(): Promise<EngineDescription> {
    const choice = await this.#choose()
    return {
      name: choice.runtime.name,
      version: choice.runtime.version,
      apiVersion: 'none',
      os: 'linux',
      architecture: hostPlatform().architecture,
      emulated: findEmulated(),
      storageDriver: 'directory',
      endpoint: `this machine: ${describeChoice(choice)}`,
      local: true,
    }
  }

  showProgress(progress: Pick<Progress, 'step'>): void {
    this.#progress = progress
  }

  async create(spec: ContainerSpec): Promise<Container> {
    if (this.#creations.isClosed) throw interrupted(this.#names.of(spec.image))
    return this.#creations.make(() => withRoom(() => this.#make(spec)))
  }

  async remove(container: Container): Promise<void> {
    if (!(container instanceof LocalContainer) || !this.#containers.has(container)) return
    await container.stop(0)
    const { plan, root } = container
    if (container.touched) {
      const { runtime } = await this.#choose().catch(() => ({ runtime: undefined }))
      await runtime?.cleanUp(plan)
    }
    await rm(plan.bundle, { recursive: true, force: true })
    this.#containers.delete(container)
    // What is left of roots when the program ends goes all at once.
    if (root !== undefined && !this.#creations.isClosed) await this.#pool.giveBack(root, container.touched)
  }

  async removeAll(): Promise<void> {
    const settled = this.#creations.close()
    this.#pool.stop(interrupted('an image'))
    await settled
    const results = await Promise.allSettled([...this.#containers].map((container) => this.remove(container)))
    const step = this.#pool.isUsed ? this.#progress?.step('remove', 'Remove what was unpacked') : undefined
    await this.#workspace.remove(this.#options.signal)
    step?.done()
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  #choose(): Promise<Choice> {
    this.#choice ??= chooseRuntime(this.#options.runtime)
    return this.#choice
  }

  async #make(spec: ContainerSpec): Promise<Container> {
    this.#tidied ??= removeAbandonedWorkspaces(endAbandoned)
    await this.#tidied
    const choice = await this.#choose().catch(() => undefined)
    // Where nothing can be run, files can still be read.
    const keepsOwners = choice?.runtime.keepsOwners ?? false
    const lend = () => this.#pool.lend(spec.image, keepsOwners)
    const read = <T>(use: (root: Root) => Promise<T>) => this.#pool.read(spec.image, keepsOwners, use)
    // Who puts files in needs a root of its own; others may never change anything.
    const root = spec.files.length > 0 ? await lend() : undefined
    try {
      if (this.#creations.isClosed) throw interrupted(this.#names.of(spec.image))
      if (root !== undefined) putFiles(root.directory, root, spec.files)
      const use = async (files: Root) => ({
        plan: await this.#plan(spec, files.directory),
        tree: files.tree,
      })
      const container = new LocalContainer(
        {
          ...(root === undefined ? await read(use) : { ...(await use(root)), root }),
          lend,
          read,
          subject: `container of ${this.#names.of(spec.image)}`,
          stopSignal: this.#options.contents(spec.image).config.config?.StopSignal ?? 'SIGTERM',
          runtime: async () => (await this.#choose()).runtime,
          prepare: async (plan, lent) =>
            makeTargets(plan, lent, await this.#choose().then((one) => one.runtime)),
        },
        spec.files.length > 0,
      )
      this.#containers.add(container)
      return container
    } catch (error) {
      if (root !== undefined) await this.#pool.giveBack(root, true)
      throw error
    }
  }

  #tellUnpacking(subject: string): (failed: boolean) => void {
    const step = this.#progress?.step('unpack', `Unpack ${subject}`)
    return (failed) => (failed ? step?.fail('') : step?.done())
  }

  async #plan(spec: ContainerSpec, directory: string): Promise<Omit<RunPlan, 'root' | 'ownersKept'>> {
    const { config } = this.#options.contents(spec.image)
    const subject = `container of ${this.#names.of(spec.image)}`
    const hostname = containerHostname()
    const read = (path: string) => readInside(directory, path)
    const user = await resolveUser(spec.user ?? config.config?.User ?? '', read, subject)
    const bundle = await this.#workspace.make('bundle')
    return {
      id: `pycds-${hostname}`,
      bundle,
      command: containerCommand(config, spec, subject),
      env: containerEnvironment(config, spec, { hostname, home: user.home }),
      cwd: config.config?.WorkingDir || '/',
      user,
      hostname,
      isolateNetwork: isolatesNetwork(spec),
      readOnly: spec.readOnly ?? false,
      capabilities: capabilitiesOf(spec),
      noNewPrivileges: spec.noNewPrivileges === true,
      networkFiles: await networkFiles(bundle, hostname, spec),
      mounts: spec.mounts ?? [],
    }
  }
}

/**
 * Makes what the mounts of a run need and the image does not have. Told by the tree, since the image may have put a
 * symlink in its place.
 */
async function makeTargets(plan: RunPlan, root: Root, runtime: Runtime): Promise<void> {
  if (!runtime.mounts && plan.mounts.length > 0) {
    throw new PycdsError('USAGE', {
      message: `mount ${plan.mounts[0]?.target}: ${runtime.name} cannot mount anything`,
      hint: 'Leave it out, or install crun.',
    })
  }
  await assertMounts(plan.mounts)
  const directories = ['/proc', '/dev', plan.cwd]
  const files: string[] = []
  for (const { source, target } of [...plan.networkFiles, ...plan.mounts]) {
    const found = await stat(source).catch(() => undefined)
    if (found?.isDirectory() === false) files.push(target)
    else directories.push(target)
  }
  const common = { uid: 0, gid: 0, mtime: new Date(0) }
  const entries: TarEntry[] = [
    ...directories.map((path) => ({
      ...common,
      name: path.slice(1),
      type: 'directory' as const,
      mode: 0o755,
    })),
    ...files.map((path) => ({ ...common, name: path.slice(1), type: 'file' as const, mode: 0o644 })),
  ]
  if (!runtime.mounts) {
    for (const { source, target } of plan.networkFiles) {
      const body = await readFile(source)
      putFiles(root.directory, root, [{ ...common, name: target.slice(1), type: 'file', mode: 0o644, body }])
    }
    return
  }
  const missing = entries.filter(({ name }) => name !== '' && root.tree.resolve(name, true) === undefined)
  putFiles(root.directory, root, missing)
}

/** The files that engines give a container whatever its image has in their place. */
async function networkFiles(bundle: string, hostname: string, spec: ContainerSpec) {
  const hosts = (spec.hosts ?? []).map((entry) => {
    const colon = entry.indexOf(':')
    return `${entry.slice(colon + 1)}\t${entry.slice(0, colon)}`
  })
  // Who shares the network of this machine asks whom it asks.
  const resolvers = isolatesNetwork(spec) ? '' : await readFile('/etc/resolv.conf', 'utf8').catch(() => '')
  const files = {
    ...(resolvers === '' ? {} : { 'resolv.conf': [resolvers.trimEnd()] }),
    hosts: [
      '127.0.0.1\tlocalhost',
      '::1\tlocalhost ip6-localhost ip6-loopback',
      `127.0.1.1\t${hostname}`,
      ...hosts,
    ],
    hostname: [hostname],
  }
  return await Promise.all(
    Object.entries(files).map(async ([name, lines]) => {
      const source = join(bundle, name)
      await writeFile(source, `${lines.join('\n')}\n`)
      return { source, target: `/etc/${name}`, readOnly: false }
    }),
  )
}

/** Ends what runs in the directory of a process that was killed. */
async function endAbandoned(directory: string): Promise<void> {
  const bundles = (await readdir(directory)).filter((name) => name.startsWith('bundle'))
  for (const name of ['crun', 'runc'] as const) {
    const file = await findProgram(name)
    if (file === undefined) continue
    const runtime = new OciRuntime(name, file, '')
    for (const bundle of bundles) {
      const path = join(directory, bundle)
      for (const id of await readdir(join(path, 'state')).catch(() => [])) {
        await runtime.cleanUp({ id, bundle: path })
      }
    }
  }
}

function interrupted(image: string): PycdsError {
  return new PycdsError('INTERRUPTED', {
    message: `container of ${image}: not made, the program is ending`,
    hint: 'Run the command again.',
  })
}
