// SPDX-License-Identifier: Apache-2.0
// What authorizes requests: nothing until a registry asks for it, then a password with each request, or tokens, each for
// what is to be done with it, renewed before they end.
import type { PycdsError } from '../errors/index.js'
import { type Challenge, parseChallenge } from './challenge.js'
import type { Place } from './configuration.js'
import { type Credentials, placesOfCredentials } from './credentials.js'
import { registryError, sayingOf } from './error.js'
import type { Secrets } from './secrets.js'
import type { HttpReply, HttpRequest } from './transport.js'

/** What is to be done, as registries write it: `repository:team/app:pull`. */
export type Scope = `repository:${string}:${string}` | 'registry:catalog:*'

/** What an authorization needs of the outside world. */
export interface AuthorizationPorts {
  /** Sends a request, repeats it as is usual, and reads the answer. */
  read(place: Place, request: HttpRequest, limit: number): Promise<{ reply: HttpReply; bytes: Buffer }>
  /** Whether nothing that is sent to the registry is encrypted. */
  isPlain(place: Place): boolean
  /** The credentials for the repository; undefined where there are none. */
  credentials(): Promise<Credentials | undefined>
  readonly secrets: Secrets
  readonly env: NodeJS.ProcessEnv
}

interface Token {
  readonly value: string
  /** By the clock of {@link performance}. */
  readonly until: number
}

/** What the specification has for replies that do not say it. */
const DEFAULT_LIFE_S = 60
/** A token that ends sooner than this is renewed before it is used. */
const MARGIN_MS = 10_000
const DOCUMENT_LIMIT = 1024 * 1024
const CLIENT = 'pycds-image'

/** For one repository of one place. */
export class Authorization {
  readonly #place: Place
  readonly #ports: AuthorizationPorts
  readonly #tokens = new Map<string, Promise<Token>>()
  #challenge: Challenge | undefined
  #credentials: Promise<Credentials | undefined> | undefined

  constructor(place: Place, ports: AuthorizationPorts) {
    this.#place = place
    this.#ports = ports
  }

  /** The value of the header for a request; undefined as long as none was asked for. */
  async header(scopes: readonly Scope[]): Promise<string | undefined> {
    const challenge = this.#challenge
    if (challenge === undefined) return undefined
    const credentials = await this.#find()
    if (credentials?.kind === 'bearer') return `Bearer ${credentials.token}`
    if (challenge.scheme === 'basic') return credentials?.kind === 'password' ? basic(credentials) : undefined
    return `Bearer ${(await this.#token(challenge, scopes, credentials)).value}`
  }

  /**
   * Takes note of a reply that asks for an authorization; false when there is none that could be given.
   * @param wasShown whether the request had one, which is no good then
   */
  async learn(reply: HttpReply, scopes: readonly Scope[], wasShown: boolean): Promise<boolean> {
    const challenge = parseChallenge(reply.headers('www-authenticate'))
    if (challenge === undefined) return false
    this.#challenge = challenge
    const kind = (await this.#find())?.kind
    if (challenge.scheme === 'basic') return !wasShown && kind === 'password'
    // A token that was refused has ended before its time, or was never good.
    if (wasShown) this.#tokens.delete(keyOf(scopes))
    return !wasShown || kind !== 'bearer'
  }

  /** REGISTRY_REFUSED, saying whose credentials were shown and where others are looked for. */
  async refusal(subject: string, saying: string): Promise<PycdsError> {
    const { registry } = this.#place
    const credentials = await this.#find()
    const words = saying === '' ? '' : ` (${saying})`
    if (credentials === undefined) {
      const places = placesOfCredentials(this.#ports.env).join(', ') || 'no file: HOME is not set'
      return registryError(
        'REGISTRY_REFUSED',
        `${subject}: registry ${registry} asks for credentials, and none were found${words}`,
        `Log in (docker login ${registry}); looked in: ${places}.`,
      )
    }
    return registryError(
      'REGISTRY_REFUSED',
      `${subject}: registry ${registry} does not allow it to the credentials of ${credentials.from}${words}`,
      'Log in anew, or ask for the right to this repository.',
    )
  }

  #find(): Promise<Credentials | undefined> {
    this.#credentials ??= this.#ports.credentials().then((found) => {
      if (found?.kind === 'password')
        this.#ports.secrets.add(found.password, `${found.username}:${found.password}`)
      else this.#ports.secrets.add(found?.token)
      return found
    })
    return this.#credentials
  }

  async #token(
    challenge: Challenge & { scheme: 'bearer' },
    scopes: readonly Scope[],
    credentials: Exclude<Credentials, { kind: 'bearer' }> | undefined,
  ): Promise<Token> {
    const key = keyOf(scopes)
    for (let known = this.#tokens.get(key); known !== undefined; ) {
      const token = await known.catch(() => undefined)
      if (token !== undefined && token.until > performance.now()) return token
      const next = this.#tokens.get(key)
      // Whoever was first to find it ended has asked for another one by now.
      if (next === known) this.#tokens.delete(key)
      known = next === known ? undefined : next
    }
    const asked = this.#fetch(challenge, scopes, credentials)
    this.#tokens.set(key, asked)
    asked.catch(() => this.#tokens.delete(key))
    return await asked
  }

  async #fetch(
    { realm, service }: Challenge & { scheme: 'bearer' },
    scopes: readonly Scope[],
    credentials: Exclude<Credentials, { kind: 'bearer' }> | undefined,
  ): Promise<Token> {
    const url = new URL(realm)
    this.#assertEncrypted(url, credentials)
    const place: Place = { registry: url.host, path: '', insecure: this.#place.insecure }
    const subject = `token for ${this.#place.registry}/${this.#place.path}`
    const request = toRequest(url, service, scopes, credentials)
    const { reply, bytes } = await this.#ports.read(place, request, DOCUMENT_LIMIT)
    if (reply.status === 401 || reply.status === 403) {
      throw await this.refusal(subject, sayingOf(String(bytes), this.#ports.secrets))
    }
    if (reply.status !== 200) {
      throw registryError(
        reply.status >= 500 || reply.status === 429 ? 'REGISTRY_UNREACHABLE' : 'REGISTRY_REFUSED',
        `${subject}: ${url.host} answers ${reply.status}`,
        'Try again later; if it stays so, check the credentials and the registry.',
      )
    }
    return this.#parse(String(bytes), subject, url.host)
  }

  #parse(text: string, subject: string, host: string): Token {
    const received = performance.now()
    let document: { token?: unknown; access_token?: unknown; expires_in?: unknown } | undefined
    try {
      document = JSON.parse(text) as NonNullable<typeof document>
    } catch {
      // Told below: the parser's message repeats what it has read.
    }
    const value = document?.token ?? document?.access_token
    // What a header cannot have is none.
    if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
      throw registryError(
        'REGISTRY_REFUSED',
        `${subject}: ${host} answers without a token that could be shown`,
        'Check the registry, and the proxies before it.',
      )
    }
    this.#ports.secrets.add(value)
    const seconds = document?.expires_in
    const life = (typeof seconds === 'number' && seconds > 0 ? seconds : DEFAULT_LIFE_S) * 1000
    return { value, until: received + life - Math.min(MARGIN_MS, life / 5) }
  }

  /** A registry that speaks TLS cannot have credentials sent elsewhere without. */
  #assertEncrypted(realm: URL, credentials: Credentials | undefined): void {
    if (realm.protocol === 'https:' || credentials === undefined || this.#ports.isPlain(this.#place)) return
    throw registryError(
      'REGISTRY_REFUSED',
      `registry ${this.#place.registry}: it wants credentials to be sent to ${realm.host} without encryption`,
      'Have the registry name an https address for its tokens.',
    )
  }
}

function toRequest(
  url: URL,
  service: string | undefined,
  scopes: readonly Scope[],
  credentials: Exclude<Credentials, { kind: 'bearer' }> | undefined,
): HttpRequest {
  if (credentials?.kind === 'identity') {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: CLIENT,
      refresh_token: credentials.token,
      scope: scopes.join(' '),
      ...(service === undefined ? {} : { service }),
    })
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    return { method: 'POST', target: url.href, headers, body: form.toString() }
  }
  if (service !== undefined) url.searchParams.set('service', service)
  for (const scope of scopes) url.searchParams.append('scope', scope)
  if (credentials === undefined) return { method: 'GET', target: url.href }
  return { method: 'GET', target: url.href, headers: { authorization: basic(credentials) } }
}

function basic({ username, password }: Credentials & { kind: 'password' }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

function keyOf(scopes: readonly Scope[]): string {
  return [...scopes].sort().join(' ')
}
