// SPDX-License-Identifier: Apache-2.0
// Which engine is meant where DOCKER_HOST does not say it: the context that the engine's client
// uses, else the first socket at hand, of Docker or of Podman, of the system or of this user.
import { createHash } from 'node:crypto'
import { accessSync, constants, statSync } from 'node:fs'
import { join } from 'node:path'
import { PycdsError } from '../errors/index.js'
import { readGivenNow } from '../util/read-given.js'

/** The part of the machine that is looked at. */
export interface Machine {
  /** Whether there is a socket that this user may connect to. */
  isUsableSocket(path: string): boolean
  /** Undefined when there is no such file, or not for this user. */
  readText(path: string): string | undefined
}

/** Where an engine was found. */
export interface Found {
  /** As DOCKER_HOST would have it. */
  readonly host: string
  /** Of the context, for its TLS files. */
  readonly certificates?: string
}

export const DEFAULT_SOCKET = '/var/run/docker.sock'

const REAL: Machine = {
  isUsableSocket(path) {
    try {
      accessSync(path, constants.R_OK | constants.W_OK)
      return statSync(path).isSocket()
    } catch {
      return false
    }
  },
  readText(path) {
    try {
      return readGivenNow(path).toString()
    } catch {
      return undefined
    }
  },
}

/** Finds an engine; the default socket when nothing is there. Throws USAGE for a context that does not exist. */
export function discover(env: NodeJS.ProcessEnv, machine: Machine = REAL): Found {
  const folder = env.DOCKER_CONFIG ?? join(env.HOME ?? '/', '.docker')
  const name = env.DOCKER_CONTEXT || currentContext(machine.readText(join(folder, 'config.json')))
  if (name !== undefined && name !== '' && name !== 'default') return readContext(name, folder, machine)
  if (env.CONTAINER_HOST) return { host: env.CONTAINER_HOST }
  const socket = sockets(env).find((path) => machine.isUsableSocket(path)) ?? DEFAULT_SOCKET
  return { host: `unix://${socket}` }
}

function sockets(env: NodeJS.ProcessEnv): string[] {
  const own = env.XDG_RUNTIME_DIR ?? (process.getuid ? `/run/user/${process.getuid()}` : undefined)
  const ofUser = own === undefined ? [] : [join(own, 'docker.sock'), join(own, 'podman/podman.sock')]
  return [DEFAULT_SOCKET, ...ofUser, '/run/podman/podman.sock']
}

function currentContext(config: string | undefined): string | undefined {
  const name = (parse(config) as { currentContext?: unknown } | undefined)?.currentContext
  return typeof name === 'string' ? name : undefined
}

function readContext(name: string, folder: string, machine: Machine): Found {
  const id = createHash('sha256').update(name).digest('hex')
  const meta = parse(machine.readText(join(folder, 'contexts/meta', id, 'meta.json')))
  const host = (meta as { Endpoints?: { docker?: { Host?: unknown } } } | undefined)?.Endpoints?.docker?.Host
  if (typeof host === 'string' && host !== '') {
    return { host, certificates: join(folder, 'contexts/tls', id, 'docker') }
  }
  throw new PycdsError('USAGE', {
    message: `docker context ${name}: there is none of that name in ${folder}`,
    hint: 'docker context ls lists them; DOCKER_HOST or DOCKER_CONTEXT chooses another engine.',
  })
}

function parse(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined // a damaged file is as good as none: the client says more about it
  }
}
