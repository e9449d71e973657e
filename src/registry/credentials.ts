// SPDX-License-Identifier: Apache-2.0
// Whose credentials are used for a registry, as other clients of registries read them: in each file helpers for one
// registry come first, then the helper for all, then what the file has itself. The first that has something counts.
import { join } from 'node:path'
import { PycdsError } from '../errors/index.js'
import { readGiven, whyUnreadable } from '../util/read-given.js'
import { askHelper, type HelperSurroundings } from './helper.js'
import { formatRepository, namesOf, type RepositoryName } from './name.js'

/** What a registry is shown. */
export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string; readonly from: string }
  /** To be exchanged for tokens. */
  | { readonly kind: 'identity'; readonly token: string; readonly from: string }
  /** A token that a registry takes as it is. */
  | { readonly kind: 'bearer'; readonly token: string; readonly from: string }

interface AuthEntry {
  auth?: unknown
  username?: unknown
  password?: unknown
  identitytoken?: unknown
  registrytoken?: unknown
}

/** The part of `config.json` and `auth.json` that is about credentials. */
interface AuthFile {
  credHelpers?: Readonly<Record<string, unknown>>
  credsStore?: unknown
  auths?: Readonly<Record<string, AuthEntry>>
}

interface Source {
  /** For messages; never what is in it. */
  readonly name: string
  read(signal: AbortSignal | undefined): Promise<string | undefined>
}

/** The key of Docker Hub in files of Docker's client, also towards helpers. */
const HUB_KEY = 'https://index.docker.io/v1/'

/**
 * Finds the credentials for a repository; undefined where there are none.
 * @param env names the files, and may hold their content
 * @param signal ends the waiting for a pipe, and for a helper
 * @throws USAGE for a file that cannot be read, REGISTRY_REFUSED for a helper that is missing or fails
 */
export async function findCredentials(
  repository: RepositoryName,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<Credentials | undefined> {
  for (const source of sourcesOf(env)) {
    const text = await source.read(signal)
    if (text === undefined || text.trim() === '') continue
    const found = await lookUp(parseFile(text, source.name), source.name, repository, { env, signal })
    if (found !== undefined) return found
  }
  return undefined
}

/** The places in which credentials are looked for, as they are named in messages. */
export function placesOfCredentials(env: NodeJS.ProcessEnv): string[] {
  return sourcesOf(env).map(({ name }) => name)
}

function sourcesOf(env: NodeJS.ProcessEnv): Source[] {
  const sources: Source[] = []
  if (env.DOCKER_AUTH_CONFIG) {
    const text = env.DOCKER_AUTH_CONFIG
    sources.push({ name: 'DOCKER_AUTH_CONFIG', read: async () => text })
  }
  // A file that is named is meant alone, as Podman has it.
  if (env.REGISTRY_AUTH_FILE) return [...sources, fileSource(env.REGISTRY_AUTH_FILE, true)]
  const home = env.HOME
  const config = env.XDG_CONFIG_HOME || (home && join(home, '.config'))
  const paths = [
    env.DOCKER_CONFIG && join(env.DOCKER_CONFIG, 'config.json'),
    env.XDG_RUNTIME_DIR && join(env.XDG_RUNTIME_DIR, 'containers/auth.json'),
    config && join(config, 'containers/auth.json'),
    !env.DOCKER_CONFIG && home && join(home, '.docker/config.json'),
  ]
  return [...sources, ...paths.flatMap((path) => (path ? [fileSource(path, false)] : []))]
}

function fileSource(path: string, isNamed: boolean): Source {
  const read = async (signal: AbortSignal | undefined) => {
    try {
      return (await readGiven(path, { signal })).toString()
    } catch (cause) {
      signal?.throwIfAborted()
      const { code = whyUnreadable(cause) } = cause as NodeJS.ErrnoException
      if (!isNamed && (code === 'ENOENT' || code === 'ENOTDIR')) return undefined
      throw unreadable(path, `it cannot be read (${code})`)
    }
  }
  return { name: path, read }
}

/** The parser's own message would repeat what is in the file. */
function parseFile(text: string, name: string): AuthFile {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as AuthFile
  } catch {
    // Told below.
  }
  throw unreadable(name, 'it is not JSON as clients of registries write it')
}

function unreadable(name: string, reason: string): PycdsError {
  return new PycdsError('USAGE', {
    message: `credentials ${name}: ${reason}`,
    hint: 'Log in anew (docker login, podman login), or correct REGISTRY_AUTH_FILE or DOCKER_CONFIG.',
  })
}

async function lookUp(
  file: AuthFile,
  from: string,
  repository: RepositoryName,
  surroundings: HelperSurroundings,
): Promise<Credentials | undefined> {
  const keys = keysOf(repository)
  const helper = keys.map((key) => entryOf(file.credHelpers, key)).find((name) => typeof name === 'string')
  const store = typeof file.credsStore === 'string' && file.credsStore !== '' ? file.credsStore : undefined
  const name = typeof helper === 'string' && helper !== '' ? helper : store
  if (name !== undefined) {
    const server = namesOf(repository.registry).length > 1 ? HUB_KEY : repository.registry
    const reply = await askHelper(name, server, from, surroundings)
    const source = `docker-credential-${name}`
    // How helpers mark what is no password.
    if (reply?.username === '<token>') return { kind: 'identity', token: reply.secret, from: source }
    if (reply) return { kind: 'password', username: reply.username, password: reply.secret, from: source }
  }
  for (const key of keys) {
    const found = toCredentials(entryOf(file.auths, key), from)
    if (found !== undefined) return found
  }
  return undefined
}

/** Podman's files can have an entry for a part of a registry: the longest that fits counts. */
function keysOf(repository: RepositoryName): string[] {
  return namesOf(repository.registry).flatMap((registry) => {
    const parts = formatRepository({ ...repository, registry }).split('/')
    return parts.map((_, at) => parts.slice(0, parts.length - at).join('/'))
  })
}

/** Keys may be addresses: `https://host/v1/`. */
function entryOf<T>(entries: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  if (typeof entries !== 'object' || entries === null) return undefined
  const found = Object.keys(entries).find((one) => normalize(one) === key)
  return found === undefined ? undefined : entries[found]
}

function normalize(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/(?:v[12]\/?)?$/, '')
}

function toCredentials(entry: AuthEntry | undefined, from: string): Credentials | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined
  const { auth, username, password, identitytoken, registrytoken } = entry
  if (isText(registrytoken)) return { kind: 'bearer', token: registrytoken, from }
  if (isText(identitytoken)) return { kind: 'identity', token: identitytoken, from }
  if (isText(username) && isText(password)) return { kind: 'password', username, password, from }
  if (!isText(auth)) return undefined
  const text = Buffer.from(auth, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 1) return undefined
  // Old clients padded it.
  const secret = text.slice(colon + 1).replace(/\0+$/, '')
  return { kind: 'password', username: text.slice(0, colon), password: secret, from }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
