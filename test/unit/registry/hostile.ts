// SPDX-License-Identifier: Apache-2.0
// Registries that answer what no registry should: nothing is shown to others, nothing goes on for ever, and what is told
// names the registry.
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import { type ErrorCode, PycdsError } from '../../../src/errors/index.js'
import type { Digest } from '../../../src/image/index.js'
import { BlobCache, parseRepository, Registries, type Repository } from '../../../src/registry/index.js'
import { RegistryAttachments } from '../../../src/store/registry/attachments.js'
import { listRegistry } from '../../../src/store/registry/list.js'
import { makeCertificate } from '../../helpers/docker-registry.js'
import { digestOf } from '../../helpers/registry.js'
import { temporary } from '../../helpers/temporary.js'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const INDEX = 'application/vnd.oci.image.index.v1+json'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

interface Server {
  host: string
  /** Method, address and authorization of each request. */
  asked: { line: string; authorization: string | undefined }[]
}

async function serve(
  t: ExecutionContext,
  answer: Answer,
  tls?: { key: Buffer; cert: Buffer },
): Promise<Server> {
  const asked: Server['asked'] = []
  const listener: Answer = (request, response) => {
    const { authorization } = request.headers
    asked.push({ line: `${request.method} ${request.url}`, authorization })
    answer(request, response)
  }
  const server = tls ? createTlsServer(tls, listener) : createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

function openAll(t: ExecutionContext, env: NodeJS.ProcessEnv = {}): Registries {
  const registries = new Registries({
    env: { CONTAINERS_REGISTRIES_CONF: '/dev/null', HOME: temporary(t), ...env },
    cache: new BlobCache(),
    patience: { attempts: 2, firstWaitMs: 1, longestWaitMs: 5 },
  })
  t.teardown(() => registries.close())
  return registries
}

const open = (t: ExecutionContext, name: string, env?: NodeJS.ProcessEnv): Repository =>
  openAll(t, env).repository(parseRepository(name))

/** Credentials for some registries. */
function credentials(t: ExecutionContext, password: string, ...hosts: string[]): NodeJS.ProcessEnv {
  const path = join(temporary(t), 'auth.json')
  const auth = Buffer.from(`user:${password}`).toString('base64')
  writeFileSync(path, JSON.stringify({ auths: Object.fromEntries(hosts.map((host) => [host, { auth }])) }))
  return { REGISTRY_AUTH_FILE: path }
}

async function failure(t: ExecutionContext, work: Promise<unknown>): Promise<PycdsError> {
  const error = await t.throwsAsync(work)
  t.true(error instanceof PycdsError, String(error))
  return error as unknown as PycdsError
}

const json = (response: ServerResponse, status: number, value: unknown, headers = {}) =>
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))

test('where a registry sends on to, nobody is shown its credentials', async (t) => {
  const third = await serve(t, (_, response) => {
    response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${third.host}/token"` }).end()
  })
  const own = await serve(t, ({ url }, response) => {
    response.writeHead(307, { location: `http://${third.host}${url}` }).end()
  })
  const repository = open(t, `${own.host}/a`, credentials(t, 'canary', own.host))
  const error = await failure(t, repository.manifest('1'))
  t.is(error.code, 'REGISTRY_REFUSED')
  t.true(error.message.includes(own.host) && error.message.includes(third.host), error.message)
  t.true(third.asked.length > 0)
  t.deepEqual(
    third.asked.filter(({ authorization, line }) => authorization !== undefined || /token/.test(line)),
    [],
  )
})

test('a password is not told, however a registry writes it, nor anything that a terminal would obey', async (t) => {
  const password = 'can<ary>&"é\\'
  const escaped = JSON.stringify(`bad ${password} \x1b[31m\r\n\u202efake`).replace(
    /[<>&]/g,
    (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`,
  )
  const own = await serve(t, ({ url, headers }, response) => {
    const realm = `Bearer realm="http://${own.host}/token"`
    if (url?.startsWith('/token') || headers.authorization)
      response.writeHead(401).end(`{"errors":[{"code":"DENIED","message":${escaped}}]}`)
    else response.writeHead(401, { 'www-authenticate': realm }).end()
  })
  const { message } = await failure(
    t,
    open(t, `${own.host}/a`, credentials(t, password, own.host)).manifest('1'),
  )
  t.regex(message, /DENIED: bad \*\*\* /)
  t.false(/<ary|can</.test(message), message)
  t.false(/[\p{Cc}\u202e]/u.test(message), JSON.stringify(message))
})

for (const [title, link] of [
  ['another page each time', (count: number) => `</v2/a/tags/list?last=${count}>; rel="next"`],
  ['pages in a circle', (count: number) => `</v2/a/tags/list?last=${count % 2}>; rel="next"`],
] as const) {
  test(`a list of tags without an end ends: ${title}`, async (t) => {
    let count = 0
    const own = await serve(t, (_, response) => {
      count += 1
      json(response, 200, { tags: [] }, { link: link(count) })
    })
    const { code, message } = await failure(t, open(t, `${own.host}/a`).tags())
    t.is(code, 'IMAGE_INVALID')
    t.regex(message, /no end/)
    t.true(count < 300)
  })
}

test('pages may be empty, and what is no tag of an image is left out', async (t) => {
  const pages = [['1.0'], [], [], ['', '../../x', 'a b', `sha256-${'0'.repeat(64)}`, '2.0']]
  const own = await serve(t, ({ url }, response) => {
    const at = Number(/at=(\d)/.exec(url ?? '')?.[1] ?? 0)
    const more = at + 1 < pages.length ? { link: `</v2/a/tags/list?at=${at + 1}>; rel="next"` } : {}
    json(response, 200, { tags: pages[at] }, more)
  })
  const found = await listRegistry(`registry:${own.host}/a:*`, openAll(t))
  t.deepEqual(
    found.map(({ name }) => name),
    [`registry:${own.host}/a:1.0`, `registry:${own.host}/a:2.0`],
  )
})

test('a list of referrers has pages, too, and a document of it a size', async (t) => {
  const image = Buffer.from('{"schemaVersion":2}')
  const document = { mediaType: 'text/plain', digest: digestOf(Buffer.from('x')), size: 2 ** 31 }
  const config = { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf(image), size: 2 }
  const about = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers: [document] }),
  )
  const entry = {
    mediaType: MANIFEST,
    digest: digestOf(about),
    size: about.length,
    artifactType: 'text/trace',
  }
  const own = await serve(t, ({ url = '' }, response) => {
    if (url.includes('page=2'))
      json(response, 200, { schemaVersion: 2, manifests: [entry] }, { 'content-type': INDEX })
    else if (url.includes('/referrers/')) {
      const link = `<${url}?page=2>; rel="next"`
      json(response, 200, { schemaVersion: 2, manifests: [] }, { 'content-type': INDEX, link })
    } else if (url.endsWith(entry.digest)) response.writeHead(200, { 'content-type': MANIFEST }).end(about)
    else if (url.endsWith('/1')) response.writeHead(200, { 'content-type': MANIFEST }).end(image)
    else response.writeHead(404).end()
  })
  const attachments = new RegistryAttachments(openAll(t))
  const [found] = await attachments.list(`registry:${own.host}/a:1`)
  t.is(found?.digest, entry.digest)
  const error = await failure(t, attachments.read(`registry:${own.host}/a:1`, 'text/trace'))
  t.is(error.code, 'IMAGE_INVALID')
  t.false(own.asked.some(({ line }) => line.includes(document.digest)))
})

test('a registry with TLS cannot have an upload sent elsewhere without', async (t) => {
  const { ca, key, cert } = await makeCertificate(t)
  const plain = await serve(t, (_, response) => void response.writeHead(201).end())
  const own = await serve(
    t,
    ({ method }, response) => {
      if (method === 'POST') response.writeHead(202, { location: `http://${plain.host}/up` }).end()
      else response.writeHead(404).end()
    },
    { key: readFileSync(key), cert: readFileSync(cert) },
  )
  const repository = open(t, `${own.host}/a`, { SSL_CERT_FILE: ca })
  const content = Buffer.from('content')
  const blob = {
    digest: digestOf(content) as Digest,
    size: content.length,
    open: async () => Readable.from([content]),
  }
  const { code, message } = await failure(t, repository.putBlob(blob))
  t.is(code, 'REGISTRY_REFUSED')
  t.regex(message, /https to http/)
  t.deepEqual(plain.asked, [])
})

const refuses = test.macro(
  async (t: ExecutionContext, answer: (own: Server) => Answer, code: ErrorCode, pattern: RegExp) => {
    const own: Server = await serve(t, (request, response) => answer(own)(request, response))
    const error = await failure(t, open(t, `${own.host}/a`).manifest('1'))
    t.is(error.code, code)
    t.regex(error.message, pattern)
    t.true(error.message.includes(own.host), error.message)
  },
)

for (const realm of ['file:///etc/passwd', 'mailto:a@b', 'data:text/plain,x', 'nothing'])
  test(
    `an address for tokens that is none: ${realm}`,
    refuses,
    () => (_, response) => response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end(),
    'REGISTRY_REFUSED',
    /asks for credentials/,
  )
test(
  'a token that no header can have',
  refuses,
  (own) =>
    ({ url }, response) =>
      url?.startsWith('/token')
        ? json(response, 200, { token: 'a\nb' })
        : response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${own.host}/token"` }).end(),
  'REGISTRY_REFUSED',
  /without a token/,
)
test(
  'a redirection to what is no address of the web',
  refuses,
  () => (_, response) => response.writeHead(307, { location: 'file:///etc/passwd' }).end(),
  'REGISTRY_REFUSED',
  /address that is none/,
)
test(
  'a manifest that is nothing',
  refuses,
  () => (_, response) => json(response, 200, null),
  'IMAGE_INVALID',
  /no image/,
)
test(
  'a manifest without an end',
  refuses,
  () => (_, response) => {
    response.writeHead(200, { 'content-type': MANIFEST })
    const write = () => {
      while (!response.destroyed && response.write(' '.repeat(65536)));
    }
    response.on('drain', write)
    write()
  },
  'REGISTRY_REFUSED',
  /more than \d+ bytes/,
)

test('an upload that goes on nowhere is refused', async (t) => {
  const own = await serve(t, ({ method }, response) => {
    response.writeHead(method === 'POST' ? 202 : 404).end()
  })
  const { code, message } = await failure(t, open(t, `${own.host}/a`).assertWritable())
  t.is(code, 'REGISTRY_REFUSED')
  t.true(message.includes(own.host))
})

test('a host is the same one however it is spelled', async (t) => {
  const own = await serve(t, ({ headers }, response) => {
    if (headers.authorization) json(response, 200, { tags: ['1'] })
    else response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
  })
  const spelled = own.host.replace('127.0.0.1', 'LOCALHOST')
  t.deepEqual(await open(t, `${spelled}/a`, credentials(t, 'secret', spelled)).tags(), ['1'])
})
