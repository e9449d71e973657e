// SPDX-License-Identifier: Apache-2.0
// A registry within the test, which does what it is told to: it cuts connections, refuses, limits, forgets. What it keeps
// and what it was asked are there to be looked at.
import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { ExecutionContext } from 'ava'

/** What happens to a request in the place of an answer. */
export type Fault =
  /** The connection ends before anything is answered, after so many bytes of the body have arrived. */
  | { readonly kind: 'cut'; readonly after?: number }
  /** It ends after so many bytes of the answer. */
  | { readonly kind: 'cut-answer'; readonly after: number }
  /** Nothing happens, and the connection stays. */
  | { readonly kind: 'hang' }
  /** The request is carried out, and its answer never sent. */
  | { readonly kind: 'lose-answer' }
  | { readonly kind: 'answer'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }

/** One request, as it was answered. */
export interface Asked {
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly headers: IncomingMessage['headers']
  /** Bytes of the body that arrived. */
  received: number
  status: number | undefined
}

export interface RegistryBehaviour {
  /** Asked for each request; `index` counts them from 0. */
  fault?: (asked: Asked, index: number) => Fault | undefined
  auth?: BasicAuth | BearerAuth
  /** How it answers where a blob is to be mounted: as it should, or with a status. */
  mounts?: number
  /** Whether it lists referrers; `untyped`: with the type of their configuration for their own. */
  referrers?: boolean | 'untyped'
  /** Least bytes of a piece of an upload; 0: it takes no pieces. */
  leastPiece?: number
  /** Redirects reads of blobs to itself under another name. */
  redirectsTo?: string
}

export interface BasicAuth {
  readonly kind: 'basic'
  readonly username: string
  readonly password: string
}

export interface BearerAuth {
  readonly kind: 'bearer'
  /** Absent: anybody may read. */
  readonly username?: string
  readonly password?: string
  /** A refresh token that is exchanged. */
  readonly identity?: string
  /** Of tokens. */
  readonly seconds?: number
}

interface Manifest {
  readonly type: string
  readonly bytes: Buffer
}

interface Contents {
  readonly blobs: Map<string, Buffer>
  readonly manifests: Map<string, Manifest>
}

export class TestRegistry {
  readonly behaviour: RegistryBehaviour
  readonly asked: Asked[] = []
  /** Said in every error, if it is set. */
  echo: string | undefined
  readonly repositories = new Map<string, Contents>()
  readonly #uploads = new Map<string, Buffer>()
  readonly #tokens = new Map<string, { scopes: string[]; until: number }>()
  readonly #server: Server

  private constructor(behaviour: RegistryBehaviour) {
    this.behaviour = behaviour
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch(() => response.destroy())
    })
  }

  /** Starts one, which ends with the test. */
  static async start(t: ExecutionContext, behaviour: RegistryBehaviour = {}): Promise<TestRegistry> {
    const registry = new TestRegistry(behaviour)
    await new Promise<void>((resolve) => registry.#server.listen(0, '127.0.0.1', resolve))
    t.teardown(() => registry.stop())
    return registry
  }

  /** Ends it as a registry ends that is killed: all connections break, and nobody listens any more. */
  stop(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** The methods and paths of what was asked, without queries. */
  get lines(): string[] {
    return this.asked.map(({ method, path }) => `${method} ${path.replace(/\?.*/, '')}`)
  }

  /** Names and digests of all tags. */
  get tags(): Record<string, string> {
    return Object.fromEntries(
      [...this.repositories].flatMap(([repository, { manifests }]) =>
        [...manifests].flatMap(([reference, { bytes }]) =>
          reference.startsWith('sha256:') ? [] : [[`${repository}:${reference}`, digestOf(bytes)]],
        ),
      ),
    )
  }

  /** Puts a blob into a repository; returns its digest. */
  addBlob(repository: string, bytes: Buffer): string {
    this.#contents(repository).blobs.set(digestOf(bytes), bytes)
    return digestOf(bytes)
  }

  /** Puts a manifest under its digest and, if given, a tag; returns the digest. */
  addManifest(repository: string, type: string, document: unknown, tag?: string): string {
    const bytes = Buffer.from(JSON.stringify(document))
    const { manifests } = this.#contents(repository)
    for (const reference of [digestOf(bytes), tag]) if (reference) manifests.set(reference, { type, bytes })
    return digestOf(bytes)
  }

  /** Forgets what it was asked. */
  forget(): void {
    this.asked.splice(0)
  }

  #contents(repository: string): Contents {
    const known = this.repositories.get(repository) ?? { blobs: new Map(), manifests: new Map() }
    this.repositories.set(repository, known)
    return known
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request
    const asked: Asked = { method, path: url, headers, received: 0, status: undefined }
    this.asked.push(asked)
    const fault = this.behaviour.fault?.(asked, this.asked.length - 1)
    if (fault?.kind === 'hang') return
    if (fault?.kind === 'cut') {
      const partial = await firstBytes(request, fault.after ?? 0)
      asked.received = partial.length
      if (method === 'PATCH' || method === 'PUT') this.#extend(url, partial)
      request.socket.destroy()
      return
    }
    const body = await buffer(request)
    asked.received = body.length
    response.on('finish', () => {
      asked.status = response.statusCode
    })
    if (fault?.kind === 'answer') {
      response.writeHead(fault.status, fault.headers).end('{"errors":[]}')
      return
    }
    if (fault?.kind === 'lose-answer') response.end = () => response.destroy()
    if (fault?.kind === 'cut-answer') cutAfter(response, fault.after)
    this.#answer(asked, body, response)
  }

  #answer(asked: Asked, body: Buffer, response: ServerResponse): void {
    const url = new URL(asked.path, `http://${this.host}`)
    if (url.pathname === '/token') {
      this.#token(asked, url, body, response)
      return
    }
    const found = /^\/v2\/(.+?)\/(manifests|blobs|tags|referrers)\/(.*)$/.exec(url.pathname)
    const [, repository = '', kind = '', rest = ''] = found ?? []
    if (!this.#mayAnswer(asked, repository, kind, rest)) {
      this.#challenge(asked, repository, response)
      return
    }
    const { repositories } = this
    if (url.pathname === '/v2/') response.end('{}')
    else if (url.pathname === '/v2/_catalog')
      this.#list(url, 'repositories', [...repositories.keys()], response)
    else if (kind === 'manifests') this.#manifest(asked, repository, rest, body, response)
    else if (kind === 'tags') {
      const tags = [...(repositories.get(repository)?.manifests.keys() ?? [])]
      this.#list(url, 'tags', tags.filter((tag) => !tag.startsWith('sha256:')).sort(), response)
    } else if (kind === 'referrers') this.#referrers(repository, rest, response)
    else if (kind === 'blobs' && rest.startsWith('uploads/')) {
      this.#upload(asked, repository, url, body, response)
    } else if (kind === 'blobs') this.#blob(asked, repository, rest, response)
    else fail(response, 404, 'NOT_FOUND')
  }

  #manifest(
    asked: Asked,
    repository: string,
    reference: string,
    body: Buffer,
    response: ServerResponse,
  ): void {
    const { manifests, blobs } = this.#contents(repository)
    if (asked.method === 'PUT') {
      const document = JSON.parse(String(body)) as {
        config?: { digest: string }
        layers?: { digest: string }[]
        manifests?: { digest: string }[]
        subject?: { digest: string }
      }
      const parts = [document.config, ...(document.layers ?? [])].flatMap((part) => part?.digest ?? [])
      const isWhole =
        parts.every((digest) => blobs.has(digest)) &&
        (document.manifests ?? []).every(
          ({ digest }) => manifests.has(digest) || reference.startsWith('sha256-'),
        )
      if (!isWhole) {
        fail(response, 400, 'MANIFEST_BLOB_UNKNOWN')
        return
      }
      const manifest = { type: asked.headers['content-type'] ?? '', bytes: body }
      manifests.set(reference, manifest).set(digestOf(body), manifest)
      const listed = this.behaviour.referrers && document.subject
      response.writeHead(201, listed ? { 'oci-subject': document.subject?.digest } : {}).end()
      return
    }
    const found = manifests.get(reference)
    if (found === undefined) {
      fail(response, 404, 'MANIFEST_UNKNOWN', this.echo)
      return
    }
    const { bytes, type } = found
    const headers = {
      'content-type': type,
      'docker-content-digest': digestOf(bytes),
      'content-length': bytes.length,
    }
    response.writeHead(200, headers).end(asked.method === 'HEAD' ? undefined : bytes)
  }

  #blob(asked: Asked, repository: string, digest: string, response: ServerResponse): void {
    const bytes = this.#contents(repository).blobs.get(digest)
    if (bytes === undefined) {
      fail(response, 404, 'BLOB_UNKNOWN')
      return
    }
    const { redirectsTo } = this.behaviour
    if (redirectsTo !== undefined && asked.method === 'GET' && asked.headers.host === this.host) {
      response
        .writeHead(307, { location: `http://${redirectsTo}${asked.path}?signature=canary-in-a-query` })
        .end()
      return
    }
    const [, from] = /^bytes=(\d+)-$/.exec(asked.headers.range ?? '') ?? []
    const part = bytes.subarray(Number(from ?? 0))
    const headers = { 'content-length': part.length, 'docker-content-digest': digest }
    response
      .writeHead(from === undefined ? 200 : 206, headers)
      .end(asked.method === 'HEAD' ? undefined : part)
  }

  #upload(asked: Asked, repository: string, url: URL, body: Buffer, response: ServerResponse): void {
    const { blobs } = this.#contents(repository)
    const id = url.pathname.split('/').at(-1) ?? ''
    const { method } = asked
    if (method === 'POST') {
      const [mount, from] = [url.searchParams.get('mount'), url.searchParams.get('from')]
      if (mount && from) {
        const { mounts } = this.behaviour
        const bytes = this.repositories.get(from)?.blobs.get(mount)
        if (mounts !== undefined && mounts >= 300) {
          fail(response, mounts, 'UNSUPPORTED')
          return
        }
        if (bytes && mounts === undefined) {
          blobs.set(mount, bytes)
          response.writeHead(201).end()
          return
        }
      }
      const begun = randomUUID()
      this.#uploads.set(begun, Buffer.alloc(0))
      this.#accepted(response, repository, begun, 202)
      return
    }
    const known = this.#uploads.get(id)
    if (known === undefined) {
      fail(response, 404, 'BLOB_UPLOAD_UNKNOWN')
      return
    }
    if (method === 'DELETE') {
      this.#uploads.delete(id)
      response.writeHead(204).end()
    } else if (method === 'GET') this.#accepted(response, repository, id, 204)
    else if (method === 'PATCH') {
      if (this.behaviour.leastPiece === 0) {
        fail(response, 416, 'RANGE_INVALID')
        return
      }
      if (!this.#fits(asked, known)) {
        fail(response, 416, 'RANGE_INVALID')
        return
      }
      this.#uploads.set(id, Buffer.concat([known, body]))
      this.#accepted(response, repository, id, 202)
    } else {
      if (!this.#fits(asked, known)) {
        fail(response, 416, 'RANGE_INVALID')
        return
      }
      const whole = Buffer.concat([known, body])
      const digest = url.searchParams.get('digest') ?? ''
      this.#uploads.delete(id)
      if (digestOf(whole) !== digest) {
        fail(response, 400, 'DIGEST_INVALID')
        return
      }
      blobs.set(digest, whole)
      response.writeHead(201).end()
    }
  }

  /** A range must begin where the upload is; without one the body is all of it. */
  #fits({ headers }: Asked, known: Buffer): boolean {
    const [, from] = /^(\d+)-\d+$/.exec(headers['content-range'] ?? '') ?? []
    const isEmpty = headers['content-length'] === '0'
    return isEmpty || Number(from ?? 0) === known.length
  }

  #accepted(response: ServerResponse, repository: string, id: string, status: number): void {
    const length = this.#uploads.get(id)?.length ?? 0
    const { leastPiece } = this.behaviour
    response
      .writeHead(status, {
        location: `/v2/${repository}/blobs/uploads/${id}?state=${length}`,
        range: `0-${Math.max(length - 1, 0)}`,
        ...(leastPiece ? { 'oci-chunk-min-length': leastPiece } : {}),
      })
      .end()
  }

  /** What had arrived of an upload when its connection was cut. */
  #extend(path: string, bytes: Buffer): void {
    const id = new URL(path, `http://${this.host}`).pathname.split('/').at(-1) ?? ''
    const known = this.#uploads.get(id)
    if (known !== undefined) this.#uploads.set(id, Buffer.concat([known, bytes]))
  }

  #referrers(repository: string, digest: string, response: ServerResponse): void {
    const { referrers = false } = this.behaviour
    if (referrers === false) {
      fail(response, 404, 'NOT_FOUND')
      return
    }
    const seen = new Set<string>()
    const manifests = [...this.#contents(repository).manifests.values()].flatMap(({ bytes, type }) => {
      const { subject, artifactType, config } = JSON.parse(String(bytes)) as {
        subject?: { digest: string }
        config?: { mediaType: string }
        artifactType?: string
      }
      if (subject?.digest !== digest || seen.has(digestOf(bytes))) return []
      seen.add(digestOf(bytes))
      const told = referrers === 'untyped' ? { artifactType: config?.mediaType } : { artifactType }
      return [{ mediaType: type, digest: digestOf(bytes), size: bytes.length, ...told }]
    })
    const type = 'application/vnd.oci.image.index.v1+json'
    response
      .writeHead(200, { 'content-type': type })
      .end(JSON.stringify({ schemaVersion: 2, mediaType: type, manifests }))
  }

  #list(url: URL, member: string, names: string[], response: ServerResponse): void {
    const last = url.searchParams.get('last')
    const from = last === null ? 0 : names.indexOf(last) + 1
    // Short pages, so that the next one is asked for.
    const page = names.slice(from, from + 2)
    const next = from + 2 < names.length ? `<${url.pathname}?n=2&last=${page.at(-1)}>; rel="next"` : undefined
    response
      .writeHead(200, { 'content-type': 'application/json', ...(next && { link: next }) })
      .end(JSON.stringify({ name: 'x', [member]: page }))
  }

  #mayAnswer({ headers, method }: Asked, repository: string, kind: string, rest: string): boolean {
    const { auth } = this.behaviour
    if (auth === undefined) return true
    const shown = headers.authorization ?? ''
    if (auth.kind === 'basic') return shown === basic(auth.username, auth.password)
    const token = this.#tokens.get(shown.replace(/^Bearer /, ''))
    if (token === undefined || token.until < Date.now()) return false
    const isWrite = method !== 'GET' && method !== 'HEAD'
    const action = isWrite || (kind === 'blobs' && rest.startsWith('uploads/')) ? 'push' : 'pull'
    return token.scopes.some((scope) => {
      const [, name, actions = ''] = /^repository:(.+):([a-z,]+)$/.exec(scope) ?? []
      return name === repository && actions.split(',').includes(action)
    })
  }

  #challenge({ method }: Asked, repository: string, response: ServerResponse): void {
    const { auth } = this.behaviour
    const scope = `repository:${repository}:${method === 'GET' ? 'pull' : 'pull,push'}`
    const value =
      auth?.kind === 'basic'
        ? 'Basic realm="test"'
        : `Bearer realm="http://${this.host}/token",service="test",scope="${scope}"`
    response.writeHead(401, { 'www-authenticate': value }).end('{"errors":[{"code":"UNAUTHORIZED"}]}')
  }

  #token({ method, headers }: Asked, url: URL, body: Buffer, response: ServerResponse): void {
    const { auth } = this.behaviour
    if (auth?.kind !== 'bearer') {
      fail(response, 404, 'NOT_FOUND')
      return
    }
    const form = new URLSearchParams(String(body))
    const isKnown =
      method === 'POST'
        ? auth.identity !== undefined && form.get('refresh_token') === auth.identity
        : auth.username === undefined || headers.authorization === basic(auth.username, auth.password ?? '')
    if (!isKnown) {
      fail(response, 401, 'UNAUTHORIZED')
      return
    }
    const scopes = method === 'POST' ? (form.get('scope') ?? '').split(' ') : url.searchParams.getAll('scope')
    const token = `token-${randomUUID()}`
    const seconds = auth.seconds ?? 300
    this.#tokens.set(token, { scopes, until: Date.now() + seconds * 1000 })
    const type = { 'content-type': 'application/json' }
    response.writeHead(200, type).end(JSON.stringify({ token, expires_in: seconds }))
  }

  /** Ends all tokens before their time. */
  revoke(): void {
    this.#tokens.clear()
  }
}

/** `sha256:...` of some bytes. */
export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

function fail(response: ServerResponse, status: number, code: string, message = `${code} was said`): void {
  response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(JSON.stringify({ errors: [{ code, message }] }))
}

async function firstBytes(request: IncomingMessage, length: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let received = 0
  if (length > 0) {
    for await (const chunk of request) {
      chunks.push(chunk as Buffer)
      received += (chunk as Buffer).length
      if (received >= length) break
    }
  }
  return Buffer.concat(chunks).subarray(0, length)
}

/** The rest of the answer never comes. */
function cutAfter(response: ServerResponse, length: number): void {
  const { end } = response
  response.end = ((body?: Buffer) => {
    if (body === undefined) return Reflect.apply(end, response, [])
    response.write(body.subarray(0, length), () => response.destroy())
    return response
  }) as typeof response.end
}
