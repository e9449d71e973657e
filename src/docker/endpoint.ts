// SPDX-License-Identifier: Apache-2.0
// Where the engine is: DOCKER_HOST and the TLS variables, as the engine's own client reads them, else
// what discover.ts finds.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PycdsError } from '../errors/index.js'
import { readGivenNow } from '../util/read-given.js'
import { DEFAULT_SOCKET, discover, type Found, type Machine } from './discover.js'

/** The address of an engine and what is needed to speak to it. */
export interface Endpoint {
  /** For people: never holds credentials. */
  readonly address: string
  readonly socketPath?: string
  readonly host?: string
  readonly port?: number
  readonly tls?: TlsFiles
}

interface TlsFiles {
  readonly ca: Buffer
  readonly cert: Buffer
  readonly key: Buffer
}

const PLAIN_PORT = 2375
const TLS_PORT = 2376

/** Finds the engine's address; throws USAGE for one that cannot be used. */
export function resolveEndpoint(env: NodeJS.ProcessEnv, machine?: Machine): Endpoint {
  const { host, certificates }: Found = env.DOCKER_HOST ? { host: env.DOCKER_HOST } : discover(env, machine)
  if (host.startsWith('unix://')) return unixEndpoint(host.slice('unix://'.length) || DEFAULT_SOCKET)
  const url = URL.canParse(host) ? new URL(host) : undefined
  if (url?.protocol === 'ssh:') {
    throw invalid(
      'ssh:// is not supported',
      'Forward the socket: ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST.',
    )
  }
  if (url === undefined || !['tcp:', 'http:', 'https:'].includes(url.protocol) || url.hostname === '') {
    throw invalid('not an engine address', 'Use unix:///path/to/docker.sock or tcp://HOST:PORT.')
  }
  const hasFiles = certificates !== undefined && hasCertificates(certificates)
  const wantsTls =
    hasFiles || isOn(env.DOCKER_TLS_VERIFY) || url.protocol === 'https:' || url.port === String(TLS_PORT)
  const port = url.port === '' ? (wantsTls ? TLS_PORT : PLAIN_PORT) : Number(url.port)
  // An IPv6 address is written in brackets in an URL but not given to a socket with them.
  const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return {
    address: `tcp://${url.hostname}:${port}`,
    host: hostname,
    port,
    ...(wantsTls ? { tls: readTlsFiles(hasFiles ? certificates : tlsFolder(env)) } : {}),
  }
}

function unixEndpoint(socketPath: string): Endpoint {
  return { address: `unix://${socketPath}`, socketPath }
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0'
}

function hasCertificates(folder: string): boolean {
  return existsSync(join(folder, 'ca.pem'))
}

function tlsFolder(env: NodeJS.ProcessEnv): string {
  return env.DOCKER_CERT_PATH ?? join(env.HOME ?? '/', '.docker')
}

function readTlsFiles(folder: string): TlsFiles {
  try {
    const read = (name: string) => readGivenNow(join(folder, name))
    return { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') }
  } catch (cause) {
    throw new PycdsError('USAGE', {
      message: `engine certificates ${folder}: the TLS files of the engine cannot be read`,
      hint: 'Put ca.pem, cert.pem and key.pem there, or unset DOCKER_TLS_VERIFY.',
      cause,
    })
  }
}

/** The value is not repeated: an address may hold a password. */
function invalid(reason: string, hint: string): PycdsError {
  return new PycdsError('USAGE', { message: `DOCKER_HOST: ${reason}`, hint })
}
