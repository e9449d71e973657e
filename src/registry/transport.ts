// SPDX-License-Identifier: Apache-2.0
// Requests as HTTP has them: proxies, redirections, replies. With `connect.ts` the only file that knows the HTTP library.
import type { Readable } from 'node:stream'
import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici'
import { PycdsError } from '../errors/index.js'
import type { Place, RegistryConfiguration } from './configuration.js'
import { connector } from './connect.js'
import { ConnectionFailure, registryError, sayingOf, speaksNoTls } from './error.js'
import { hostOf, isLoopback } from './name.js'
import type { Secrets } from './secrets.js'

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** One request, without what authorizes it. */
export interface HttpRequest {
  readonly method: Method
  /** Path and query on the registry; or a whole address, as registries give for uploads. */
  readonly target: string
  readonly headers?: Readonly<Record<string, string>>
  /** An address on the registry is asked by the scheme that the registry is, whatever it says of itself behind a proxy. */
  readonly sameScheme?: boolean
  /** A stream needs a `content-length` in the headers. */
  readonly body?: Buffer | Readable | string
}

/** A reply whose body has not been read. */
export interface HttpReply {
  readonly status: number
  /** The host that has answered, where a redirection led to another one than the registry. */
  readonly foreignHost: string | undefined
  /** The first value of a header, by its name in lower case. */
  header(name: string): string | undefined
  /** All values. */
  headers(name: string): readonly string[]
  readonly body: Readable
  /** What the registry says of a failure, with nothing secret in it; at most `limit` bytes are read. */
  saying(limit: number): Promise<string>
  /** Reads the whole body, of which there may be `limit` bytes. */
  bytes(limit: number): Promise<Buffer>
  /** Throws the body away. */
  dump(): Promise<void>
}

const MAX_REDIRECTIONS = 5
const REDIRECTIONS: readonly number[] = [301, 302, 303, 307, 308]
/** A registry that says nothing for so long has failed. */
const SILENCE_MS = 60_000
const CONNECT_MS = 10_000

export interface TransportOptions {
  readonly configuration: RegistryConfiguration
  readonly secrets: Secrets
  readonly env: NodeJS.ProcessEnv
  readonly signal?: AbortSignal
}

/** The connections of one command. */
export class Transport {
  readonly #options: TransportOptions
  readonly #dispatchers = new Map<string, Dispatcher>()
  /** Hosts that speak plain HTTP, as was allowed and has been seen. */
  readonly #plain = new Set<string>()

  constructor(options: TransportOptions) {
    this.#options = options
  }

  /** Whether nothing that is sent to a place is encrypted. */
  isPlain({ registry }: Place): boolean {
    return this.#plain.has(hostOf(registry))
  }

  /**
   * Sends a request and follows redirections, without the authorization where they lead to another host.
   * @throws ConnectionFailure, which says nothing of what was sent
   */
  async send(place: Place, request: HttpRequest): Promise<HttpReply> {
    const host = hostOf(place.registry)
    const mayBePlain = place.insecure || isLoopback(host)
    if (mayBePlain && !this.#plain.has(host)) {
      try {
        return await this.#follow(place, request)
      } catch (error) {
        const isRefused = error instanceof ConnectionFailure && error.code === 'ECONNREFUSED'
        if (!speaksNoTls(error) && !(isRefused && place.insecure && !/:\d+$/.test(host))) throw error
        // Nothing of a body has been read: the connection never came about.
        this.#plain.add(host)
      }
    }
    return await this.#follow(place, request)
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    await Promise.all([...this.#dispatchers.values()].map((one) => one.destroy()))
  }

  async #follow(place: Place, first: HttpRequest): Promise<HttpReply> {
    const host = hostOf(place.registry)
    const scheme = this.#plain.has(host) ? 'http' : 'https'
    // As addresses have it: in lower case, and without the port that goes without saying.
    const own = addressOf(`${scheme}://${host}`, `${scheme}://${host}`)
    let url = addressOf(first.target, own.href)
    if (first.sameScheme === true && url.host === own.host) url.protocol = own.protocol
    if (url.host !== own.host) assertEncrypted(own, url, `registry ${host}: it sends on`)
    let headers = { ...first.headers }
    if (url.host !== own.host) headers = withoutAuthorization(headers)
    for (let count = 0; count <= MAX_REDIRECTIONS; count += 1) {
      const isOwn = url.host === own.host
      const reply = await this.#once(
        url,
        { ...first, headers },
        { insecure: place.insecure && isOwn, isForeign: !isOwn },
      )
      const location = reply.header('location')
      // What is sent goes nowhere else: an upload is where the registry said that it is.
      const isFollowed =
        REDIRECTIONS.includes(reply.status) && (first.method === 'GET' || first.method === 'HEAD')
      if (!isFollowed || location === undefined) return reply
      await reply.dump()
      const next = addressOf(location, url.href)
      assertEncrypted(url, next, `registry ${host}: it redirects`)
      if (next.host !== url.host || next.protocol !== url.protocol) {
        headers = withoutAuthorization(headers)
      }
      url = next
    }
    throw registryError(
      'REGISTRY_REFUSED',
      `registry ${host}: it redirects more than ${MAX_REDIRECTIONS} times`,
      'Check the registry, and the proxies before it.',
    )
  }

  async #once(
    url: URL,
    { method, headers, body }: HttpRequest,
    { insecure, isForeign }: { insecure: boolean; isForeign: boolean },
  ): Promise<HttpReply> {
    const { signal, secrets } = this.#options
    signal?.throwIfAborted()
    try {
      const reply = await this.#dispatcherFor(url, insecure).request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        headers: { 'user-agent': 'pycds-image', ...headers },
        body: body ?? null,
        headersTimeout: SILENCE_MS,
        bodyTimeout: SILENCE_MS,
        ...(signal === undefined ? {} : { signal }),
      })
      return new Reply(reply, { host: url.host, isForeign, secrets })
    } catch (error) {
      signal?.throwIfAborted()
      throw toFailure(error, secrets)
    }
  }

  #dispatcherFor(url: URL, insecure: boolean): Dispatcher {
    const key = `${url.host} ${insecure}`
    const known = this.#dispatchers.get(key)
    if (known !== undefined) return known
    const made = this.#dispatcher(url, insecure)
    this.#dispatchers.set(key, made)
    return made
  }

  #dispatcher({ host, protocol }: URL, insecure: boolean): Dispatcher {
    const { configuration, env } = this.#options
    const timeout = { timeout: CONNECT_MS }
    const tls = protocol === 'https:' ? configuration.tlsOf(host) : undefined
    const isNear = isLoopback(host)
    const connect = tls ? connector(tls, { insecure, isNear, timeoutMs: CONNECT_MS }) : timeout
    const options = { connect, keepAliveTimeout: 30_000 }
    const proxies = proxiesOf(env)
    // As everywhere, this machine itself is never behind a proxy.
    if (isNear || (proxies.httpProxy === '' && proxies.httpsProxy === '')) return new Agent(options)
    const ca = tls?.all()
    const settings = { ...tls?.identity, ...(ca && { ca: [...ca] }), rejectUnauthorized: !insecure }
    return new EnvHttpProxyAgent({ ...options, ...proxies, requestTls: settings, proxyTls: settings })
  }
}

function withoutAuthorization(headers: Readonly<Record<string, string>>): Record<string, string> {
  const { authorization: _, ...rest } = headers
  return rest
}

/** The values that other programs take from the same variables; all are given, so that none is taken elsewhere. */
function proxiesOf(env: NodeJS.ProcessEnv): { httpProxy: string; httpsProxy: string; noProxy: string } {
  const all = env.all_proxy || env.ALL_PROXY || ''
  const http = env.http_proxy || env.HTTP_PROXY || all
  const https = env.https_proxy || env.HTTPS_PROXY || all
  return { httpProxy: http, httpsProxy: https, noProxy: env.no_proxy || env.NO_PROXY || '' }
}

class Reply implements HttpReply {
  readonly #reply: Dispatcher.ResponseData
  readonly #host: string
  readonly #secrets: Secrets
  readonly status: number
  readonly foreignHost: string | undefined

  constructor(
    reply: Dispatcher.ResponseData,
    { host, isForeign, secrets }: { host: string; isForeign: boolean; secrets: Secrets },
  ) {
    this.#reply = reply
    this.#host = host
    this.#secrets = secrets
    this.status = reply.statusCode
    this.foreignHost = isForeign ? host : undefined
  }

  header(name: string): string | undefined {
    return this.headers(name)[0]
  }

  headers(name: string): readonly string[] {
    const value = this.#reply.headers[name]
    if (value === undefined) return []
    return Array.isArray(value) ? value : [value]
  }

  get body(): Readable {
    return this.#reply.body
  }

  async saying(limit: number): Promise<string> {
    const { bytes } = await this.#read(limit)
    return sayingOf(bytes.toString('utf8'), this.#secrets)
  }

  async bytes(limit: number): Promise<Buffer> {
    const { bytes, isWhole } = await this.#read(limit)
    if (isWhole) return bytes
    throw registryError(
      'REGISTRY_REFUSED',
      `registry ${this.#host}: a document of it has more than ${limit} bytes`,
      'Check what the name leads to.',
    )
  }

  async dump(): Promise<void> {
    await this.#reply.body.dump().catch(() => undefined)
  }

  async #read(limit: number): Promise<{ bytes: Buffer; isWhole: boolean }> {
    const chunks: Buffer[] = []
    let length = 0
    try {
      for await (const chunk of this.#reply.body) {
        chunks.push(chunk as Buffer)
        length += (chunk as Buffer).length
        if (length > limit) break // leaving the loop closes the stream
      }
    } catch (error) {
      throw toFailure(error, this.#secrets)
    }
    return { bytes: Buffer.concat(chunks).subarray(0, limit), isWhole: length <= limit }
  }
}

/** The failure of a connection, in the words of the socket, without the request that it was for. */
export function toFailure(error: unknown, secrets: Secrets): unknown {
  if (error instanceof PycdsError || error instanceof ConnectionFailure) return error
  if (!(error instanceof Error)) return error
  const below = deepest(error)
  const code = (below as NodeJS.ErrnoException).code ?? error.name
  return new ConnectionFailure(code, secrets.redact(below.message || code))
}

/** The library wraps what sockets say; several addresses of a host give several failures. */
function deepest(error: Error): Error {
  const { cause } = error
  const errors: unknown = error instanceof AggregateError ? error.errors[0] : cause
  return errors instanceof Error ? deepest(errors) : error
}

function assertEncrypted(from: URL, to: URL, subject: string): void {
  if (from.protocol !== 'https:' || to.protocol === 'https:') return
  throw registryError(
    'REGISTRY_REFUSED',
    `${subject} from https to ${to.protocol.slice(0, -1)}`,
    'Have the registry send encrypted addresses.',
  )
}

function addressOf(target: string, base: string): URL {
  const url = URL.canParse(target, base) ? new URL(target, base) : undefined
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url
  throw registryError(
    'REGISTRY_REFUSED',
    `registry ${new URL(base).host}: it sends an address that is none`,
    'Check the registry, and the proxies before it.',
  )
}
