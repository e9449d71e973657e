// SPDX-License-Identifier: Apache-2.0
// An engine without containers: the command runs as a child of this process, on the root file
// system, with the network that this process has, and as its user unless another one is given.
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { arch, release } from 'node:os'
import { join } from 'node:path'
import { PycdsError } from '../../errors/index.js'
import type { Container, ContainerSpec, Engine, EngineDescription } from '../../ports/index.js'
import { WITHOUT_BYTECODE } from '../../util/without-bytecode.js'
import type { Identity } from './launch.js'
import { ProcessContainer } from './process-container.js'

/** Of linux/capability.h, as a bit. */
const CAP_SETGID = 1n << 6n

export interface ProcessEngineOptions {
  /** Of the programs that it starts. */
  readonly environment: Readonly<Record<string, string>>
  /** Who runs them; whoever runs this process when absent. */
  readonly user?: Identity & { readonly home: string }
  /** The absolute paths that runs have changed so far. */
  changes(): Promise<ReadonlySet<string>>
}

export class ProcessEngine implements Engine {
  readonly #options: ProcessEngineOptions
  /** With their files that were not there before. */
  readonly #containers = new Map<ProcessContainer, readonly string[]>()
  #isClosed = false

  constructor(options: ProcessEngineOptions) {
    this.#options = options
  }

  async describe(): Promise<EngineDescription> {
    return {
      name: 'this root file system',
      version: release(),
      apiVersion: '-',
      os: 'linux',
      architecture: arch(),
      storageDriver: 'none',
      endpoint: '/',
      local: true,
    }
  }

  async create(spec: ContainerSpec): Promise<Container> {
    const [program, ...args] = spec.command ?? []
    if (this.#isClosed) {
      throw new PycdsError('INTERRUPTED', {
        message: 'the training run was not started, the program is ending',
        hint: 'Run the command again.',
      })
    }
    if (program === undefined) {
      throw new PycdsError('USAGE', {
        message: 'training run: there is no command, and no image configuration to take one from',
        hint: 'Give the command behind --.',
      })
    }
    const made: string[] = []
    for (const { name, type, mode, body, mtime } of spec.files) {
      const path = join('/', name)
      if (!existsSync(path)) made.push(path)
      if (type === 'directory') mkdirSync(path, { recursive: true })
      else {
        writeFileSync(path, body ?? '')
        utimesSync(path, mtime, mtime)
      }
      chmodSync(path, mode) // what the umask has taken away
    }
    const { changes } = this.#options
    // Only root can run anything as somebody else; for others their own user has to do.
    const user = spec.user === '0' ? undefined : this.#options.user
    const unset = new Set(spec.unsetEnv)
    const inherited = Object.entries(this.#options.environment).filter(([name]) => !unset.has(name))
    const environment = {
      ...Object.fromEntries(inherited),
      ...(spec.plainEnvironment ? {} : WITHOUT_BYTECODE),
      ...(user ? { HOME: user.home } : {}),
      ...spec.env,
    }
    const identity = user && isSomebodyElse(user) ? user : undefined
    const container = new ProcessContainer({ program, args, environment, identity, changes })
    this.#containers.set(container, made)
    return container
  }

  async remove(container: Container): Promise<void> {
    for (const [known, made] of this.#containers) {
      if (known.id !== container.id) continue
      await known.kill()
      for (const path of made) rmSync(path, { recursive: true, force: true })
      this.#containers.delete(known)
    }
  }

  async removeAll(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#containers.keys()].map((container) => this.remove(container)))
  }
}

/** Who runs this process has the groups that the builder gave, and may not be allowed to set others. */
function isSomebodyElse({ uid, gid, groups }: Identity): boolean {
  if (uid !== process.getuid?.() || gid !== process.getgid?.()) return true
  const own = new Set(process.getgroups?.())
  return groups.some((group) => group !== gid && !own.has(group)) && maySetGroups()
}

/** The right to do so, which a user namespace may deny even to its root. */
function maySetGroups(): boolean {
  const read = (name: string) => {
    try {
      return readFileSync(`/proc/self/${name}`, 'latin1')
    } catch {
      return ''
    }
  }
  const [, rights = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(read('status')) ?? []
  return (BigInt(`0x${rights}`) & CAP_SETGID) !== 0n && read('setgroups').trim() !== 'deny'
}
