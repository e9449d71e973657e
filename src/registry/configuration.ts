// SPDX-License-Identifier: Apache-2.0
// What a machine says of registries, in the files that Podman, skopeo, BuildKit's relatives and Docker read already:
// `registries.conf` for mirrors and for registries without sound TLS, `certs.d` for certificates.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { parse } from 'smol-toml'
import { PycdsError } from '../errors/index.js'
import { readGivenNow } from '../util/read-given.js'
import { formatRepository, hostOf, parseRepository, type RepositoryName } from './name.js'

/** A place that has a repository. */
export interface Place extends RepositoryName {
  /** Plain HTTP and certificates of unknown authorities are all right. */
  readonly insecure: boolean
}

/** Where a repository is read and written. */
export interface Places {
  /** Asked first, in this order, and only for reading. */
  readonly mirrors: readonly Place[]
  readonly primary: Place
}

/** What is used to speak TLS with a host; certificates and keys as PEM. */
export interface TlsSettings {
  /** The authorities of the registry's own folder. */
  readonly own: readonly string[]
  /** These, Node's, and those of this machine. Undefined where that is what Node trusts, which it need not read again. */
  all(): readonly string[] | undefined
  /** What this side shows of itself. */
  readonly identity: { readonly cert?: string; readonly key?: string }
}

interface Mirror {
  location?: unknown
  insecure?: unknown
}

interface Entry extends Mirror {
  prefix?: unknown
  blocked?: unknown
  mirror?: unknown
}

/** The rules of `registries.conf` for one environment. */
export class RegistryConfiguration {
  readonly #env: NodeJS.ProcessEnv
  #entries: readonly Entry[] | undefined
  #system: readonly string[] | undefined

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env
  }

  /** Where a repository is; REGISTRY_REFUSED where the configuration blocks it. */
  placesOf(name: RepositoryName): Places {
    const full = formatRepository(name)
    this.#entries ??= readEntries(this.#env)
    const fitting = this.#entries
      .map((entry) => ({ entry, prefix: prefixOf(entry) }))
      .filter(({ prefix }) => fits(full, prefix))
      .sort((a, b) => b.prefix.length - a.prefix.length)
    const [first] = fitting
    if (first === undefined) return { mirrors: [], primary: { ...name, insecure: false } }
    const { entry, prefix } = first
    if (entry.blocked === true) {
      throw new PycdsError('REGISTRY_REFUSED', {
        message: `registry ${name.registry}: registries.conf blocks it`,
        hint: 'Name another registry, or change registries.conf.',
      })
    }
    const rewritten = ({ location, insecure }: Mirror): Place => {
      const isWhole = typeof location === 'string' && location !== '' && !prefix.startsWith('*.')
      const text = isWhole ? `${location}${full.slice(prefix.length)}` : full
      return { ...parseRepository(text), insecure: insecure === true }
    }
    const mirrors = Array.isArray(entry.mirror) ? (entry.mirror as Mirror[]) : []
    return { mirrors: mirrors.map(rewritten), primary: rewritten(entry) }
  }

  /** The certificates for a registry: those of its own folder beside what every connection trusts. */
  tlsOf(registry: string): TlsSettings {
    this.#system ??= systemCertificates(this.#env)
    const system = this.#system
    const folders = certificateFolders(this.#env).flatMap((folder) =>
      [registry, hostOf(registry)].map((name) => join(folder, name)),
    )
    const own: string[] = []
    const all = () => trusting([...system, ...own])
    for (const folder of new Set(folders)) {
      const names = list(folder)
      for (const name of names.filter((one) => one.endsWith('.crt'))) own.push(read(join(folder, name)))
      const certificate = names.find((one) => one.endsWith('.cert'))
      if (certificate === undefined) continue
      const cert = read(join(folder, certificate))
      const key = read(join(folder, certificate.replace(/\.cert$/, '.key')))
      return { own, all, identity: { cert, key } }
    }
    return { own, all, identity: {} }
  }
}

/** Node's own list is part of it, and only spelled out where there is more. */
function trusting(files: readonly string[]): string[] | undefined {
  const known = new Set(rootCertificates.map((one) => one.trim()))
  const found = files.flatMap((text) => text.match(CERTIFICATE) ?? []).filter((one) => !known.has(one))
  return found.length === 0 ? undefined : [...rootCertificates, ...new Set(found)]
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

function prefixOf({ prefix, location }: Entry): string {
  if (typeof prefix === 'string' && prefix !== '') return prefix
  return typeof location === 'string' ? location : ''
}

/** A prefix ends where a part of a name ends; `*.example.com` means all hosts below it. */
function fits(name: string, prefix: string): boolean {
  if (prefix === '') return false
  if (prefix.startsWith('*.')) return (name.split(/[:/]/)[0] ?? '').endsWith(prefix.slice(1))
  return name.startsWith(prefix) && (name.length === prefix.length || name[prefix.length] === '/')
}

function readEntries(env: NodeJS.ProcessEnv): Entry[] {
  const entries = new Map<string, Entry>()
  // Of two entries for one prefix that of the later file counts.
  for (const path of configurationFiles(env)) {
    for (const entry of parseEntries(path)) entries.set(prefixOf(entry), entry)
  }
  return [...entries.values()]
}

function configurationFiles(env: NodeJS.ProcessEnv): string[] {
  if (env.CONTAINERS_REGISTRIES_CONF) return [env.CONTAINERS_REGISTRIES_CONF]
  const own = userFolder(env)
  const [first] = [own && join(own, 'registries.conf'), '/etc/containers/registries.conf'].filter(
    (path): path is string => path !== undefined && exists(path),
  )
  const further = ['/etc/containers/registries.conf.d', own && join(own, 'registries.conf.d')]
  const parts = further.flatMap((folder) =>
    folder === undefined
      ? []
      : list(folder)
          .filter((name) => name.endsWith('.conf'))
          .sort()
          .map((name) => join(folder, name)),
  )
  return [...(first === undefined ? [] : [first]), ...parts]
}

function parseEntries(path: string): Entry[] {
  try {
    const { registry } = parse(readGivenNow(path).toString())
    return Array.isArray(registry) ? (registry as unknown as Entry[]) : []
  } catch (cause) {
    throw new PycdsError('USAGE', {
      message: `${path}: it cannot be read as registries.conf`,
      hint: 'Correct it, or name another file in CONTAINERS_REGISTRIES_CONF.',
      cause,
    })
  }
}

function userFolder(env: NodeJS.ProcessEnv): string | undefined {
  const config = env.XDG_CONFIG_HOME || (env.HOME && join(env.HOME, '.config'))
  return config ? join(config, 'containers') : undefined
}

function certificateFolders(env: NodeJS.ProcessEnv): string[] {
  const own = userFolder(env)
  return [
    ...(own === undefined ? [] : [join(own, 'certs.d')]),
    '/etc/containers/certs.d',
    '/etc/docker/certs.d',
  ]
}

/** Where distributions have what their programs trust; the first that exists counts. */
const SYSTEM_FILES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
]

/** What is trusted beside Node's own list, which knows nothing of the authorities of a company. */
function systemCertificates({ SSL_CERT_FILE, NODE_EXTRA_CA_CERTS }: NodeJS.ProcessEnv): string[] {
  const system = SSL_CERT_FILE || SYSTEM_FILES.find(exists)
  const paths = [system, NODE_EXTRA_CA_CERTS].filter(
    (path): path is string => path !== undefined && path !== '',
  )
  return paths.map(read)
}

function read(path: string): string {
  try {
    return readGivenNow(path).toString()
  } catch (cause) {
    throw new PycdsError('USAGE', {
      message: `certificates ${path}: they cannot be read`,
      hint: 'Check the file and its permissions; docs/registries.md tells which files are read.',
      cause,
    })
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return [] // most machines have none of these folders
  }
}

function exists(path: string): boolean {
  try {
    readGivenNow(path)
    return true
  } catch {
    return false
  }
}
