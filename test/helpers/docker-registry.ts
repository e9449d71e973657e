// SPDX-License-Identifier: Apache-2.0
// Debian's docker-registry, with the authorizations that it knows, and what stands before registries in the world.
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, createSign, randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import { DEADLINE_MS, run } from './run.js'
import { temporary } from './temporary.js'

/** Who may do everything. The password is one that must be found nowhere. */
export const USER = { name: 'test', password: 'canary-of-a-password' }
/** Of that password, as `htpasswd -B` writes it. */
const HTPASSWD = 'test:$2y$05$kzbuTxU2YkD26muaC8mHSe2SXPA5pHYGPk79xsMrNaHdqrAawbKOe'

/** How often a port is looked for. */
const ATTEMPTS = 5

/** A certificate and its key. */
export interface Certificate {
  /** Paths. */
  cert: string
  key: string
}

export interface DockerRegistryOptions {
  auth?: 'htpasswd' | TokenServer
  tls?: Certificate
  /** A directory that another one has, too; default: one of its own. */
  data?: string
  /** The path of the network that it is in; default: that of the test. */
  network?: string
}

export interface DockerRegistry {
  host: string
  /** Where it keeps what it has. */
  data: string
  /** Ends it before the test does. */
  stop(): void
}

/** Starts one, which ends with the test. */
export async function startDockerRegistry(
  t: ExecutionContext,
  { auth, tls, network, ...files }: DockerRegistryOptions = {},
): Promise<DockerRegistry> {
  const directory = temporary(t)
  const data = files.data ?? join(directory, 'data')
  const there = network === undefined ? [] : ['nsenter', `--net=${network}`]
  writeFileSync(join(directory, 'htpasswd'), `${HTPASSWD}\n`)
  const authorization =
    auth === 'htpasswd'
      ? { auth: { htpasswd: { realm: 'test', path: join(directory, 'htpasswd') } } }
      : auth && { auth: { token: { ...auth.settings } } }
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort()
    const host = `127.0.0.1:${port}`
    const config = {
      version: 0.1,
      log: { level: 'error', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: data }, delete: { enabled: true } },
      http: { addr: host, ...(tls && { tls: { certificate: tls.cert, key: tls.key } }) },
      ...authorization,
    }
    const file = join(directory, 'config.yml')
    writeFileSync(file, JSON.stringify(config)) // which is YAML, too
    const [program = '', ...words] = [...there, 'docker-registry', 'serve', file]
    const child = spawn(program, words, { stdio: 'ignore' })
    t.teardown(() => void child.kill('SIGKILL'))
    if (await listens(port, child, there)) return { host, data, stop: () => void child.kill('SIGKILL') }
    // Another process may have been given the port meanwhile.
    if (attempt === ATTEMPTS) throw new Error(`docker-registry ended with exit code ${child.exitCode}`)
  }
}

/**
 * Copies an image of the engine into a registry, whose certificate is not looked at.
 * @param words more options of `skopeo copy`
 */
export async function pushImage(image: string, target: string, ...words: string[]): Promise<void> {
  const options = ['copy', '-q', '--dest-tls-verify=false', ...words]
  const name = image.includes(':') ? image : `${image}:latest`
  const { code, stderr } = await run('skopeo', [...options, `docker-daemon:${name}`, `docker://${target}`])
  if (code !== 0) throw new Error(stderr)
}

/** An authority, and a certificate of it for this machine; in a directory of the test. */
export async function makeCertificate(t: ExecutionContext): Promise<Certificate & { ca: string }> {
  const directory = temporary(t)
  const path = (name: string) => join(directory, name)
  const make = async (...args: string[]) => {
    const { code, stderr } = await run('openssl', args)
    if (code !== 0) throw new Error(stderr)
  }
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await make(
    'req',
    '-x509',
    ...key,
    '-keyout',
    path('ca.key'),
    '-out',
    path('ca.crt'),
    '-subj',
    '/CN=test CA',
    '-days',
    '3650',
  )
  await make(
    'req',
    ...key,
    '-keyout',
    path('server.key'),
    '-out',
    path('server.csr'),
    '-subj',
    '/CN=registry',
  )
  writeFileSync(path('san'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n')
  const signing = [
    '-CA',
    path('ca.crt'),
    '-CAkey',
    path('ca.key'),
    '-CAcreateserial',
    '-extfile',
    path('san'),
  ]
  await make(
    'x509',
    '-req',
    '-in',
    path('server.csr'),
    ...signing,
    '-out',
    path('server.crt'),
    '-days',
    '3650',
  )
  return { cert: path('server.crt'), key: path('server.key'), ca: path('ca.crt') }
}

/** Gives tokens to {@link USER} for everything, and to others for reading. */
export interface TokenServer {
  settings: { realm: string; service: string; issuer: string; rootcertbundle: string }
  /** The scopes that were asked for. */
  asked: string[][]
}

/** @param seconds how long a token is good for */
export async function startTokenServer(t: ExecutionContext, seconds: number): Promise<TokenServer> {
  const directory = temporary(t)
  const [cert, key] = [join(directory, 'token.crt'), join(directory, 'token.key')]
  const words = [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    key,
    '-out',
    cert,
    '-subj',
    '/CN=token',
    '-days',
    '3650',
  ]
  const { code, stderr } = await run('openssl', words)
  if (code !== 0) throw new Error(stderr)
  const asked: string[][] = []
  const service = 'test-registry'
  const issuer = 'test-issuer'
  const x5c = [readFileSync(cert, 'utf8').replace(/-----[^-]+-----|\s/g, '')]
  const isUser = (header = '') =>
    header === `Basic ${Buffer.from(`${USER.name}:${USER.password}`).toString('base64')}`
  const server = createServer(({ url = '', headers }, response) => {
    const scopes = new URL(url, 'http://x').searchParams.getAll('scope')
    asked.push(scopes)
    if (headers.authorization !== undefined && !isUser(headers.authorization)) {
      response.writeHead(401).end()
      return
    }
    const access = scopes.map((scope) => {
      const [type = '', name = '', actions = ''] = /^([^:]+):(.+):([^:]+)$/.exec(scope)?.slice(1) ?? []
      const all = actions.split(',')
      return {
        type,
        name,
        actions: isUser(headers.authorization) ? all : all.filter((one) => one === 'pull'),
      }
    })
    const now = Math.floor(Date.now() / 1000)
    const claims = {
      iss: issuer,
      aud: service,
      sub: '',
      nbf: now - 60,
      iat: now,
      exp: now + seconds,
      jti: randomUUID(),
      access,
    }
    const text = [{ typ: 'JWT', alg: 'RS256', x5c }, claims]
      .map((part) => encode(Buffer.from(JSON.stringify(part))))
      .join('.')
    const signature = encode(createSign('RSA-SHA256').update(text).sign(readFileSync(key)))
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ token: `${text}.${signature}`, expires_in: seconds }))
  })
  const realm = `http://${await listen(t, server)}/token`
  return { settings: { realm, service, issuer, rootcertbundle: cert }, asked }
}

/** What stands between a client and a registry, and does to each request what it is told. */
export interface CuttingProxy {
  host: string
  /** What happens to the next requests, by their number from 0: 'answer': the answer is lost. */
  plan: (index: number) => 'request' | 'answer' | undefined
  /** How many there were. */
  count: number
}

/** Starts one before a registry that speaks plain HTTP. */
export async function startCuttingProxy(
  t: ExecutionContext,
  { host }: DockerRegistry,
): Promise<CuttingProxy> {
  const [hostname, port] = host.split(':')
  const proxy: CuttingProxy = { host: '', plan: () => undefined, count: 0 }
  const server = createServer((incoming, outgoing) => {
    const fate = proxy.plan(proxy.count)
    proxy.count += 1
    const options = { hostname, port, method: incoming.method, path: incoming.url, headers: incoming.headers }
    const sent = request(options, (answer) => {
      if (fate === 'answer') {
        answer.resume()
        answer.on('end', () => incoming.socket.destroy())
        return
      }
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(outgoing)
    })
    sent.on('error', () => incoming.socket.destroy())
    if (fate === 'request') {
      // A part of it arrives.
      incoming.once('data', (chunk: Buffer) => {
        sent.write(chunk.subarray(0, chunk.length / 2), () => {
          sent.destroy()
          incoming.socket.destroy()
        })
      })
      incoming.once('end', () => incoming.socket.destroy())
      incoming.resume()
      return
    }
    incoming.pipe(sent)
  })
  proxy.host = await listen(t, server)
  return proxy
}

/** A home directory whose clients of registries have credentials, and trust an authority. */
export function homeOf(t: ExecutionContext, hosts: readonly string[], ca?: string): NodeJS.ProcessEnv {
  const home = temporary(t)
  const folder = join(home, '.config/containers')
  const auth = Buffer.from(`${USER.name}:${USER.password}`).toString('base64')
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'auth.json'),
    JSON.stringify({ auths: Object.fromEntries(hosts.map((host) => [host, { auth }])) }),
  )
  for (const host of ca === undefined ? [] : hosts) {
    mkdirSync(join(folder, 'certs.d', host), { recursive: true })
    writeFileSync(join(folder, 'certs.d', host, 'ca.crt'), readFileSync(ca ?? ''))
  }
  return { HOME: home, XDG_CONFIG_HOME: '', XDG_RUNTIME_DIR: '' }
}

/** All forms in which the password could be shown. */
export const CANARIES: readonly string[] = [
  USER.password,
  Buffer.from(`${USER.name}:${USER.password}`).toString('base64'),
  createHash('sha256').update(USER.password).digest('hex'),
]

function encode(bytes: Buffer): string {
  return bytes.toString('base64url')
}

async function listen(t: ExecutionContext, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/**
 * Waits until a process listens; false when it has ended instead.
 * @param there words in front of a program that runs where the process does
 */
async function listens(port: number, child: ChildProcess, there: readonly string[]): Promise<boolean> {
  const end = Date.now() + DEADLINE_MS
  while (child.exitCode === null) {
    if (Date.now() > end) throw new Error('docker-registry does not begin to listen')
    const [program = '', ...words] = [...there, 'bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${port}`]
    const isThere = (await run(program, words)).code === 0
    // It may be somebody else who answers.
    if (isThere && child.exitCode === null) return true
    await setTimeout(50)
  }
  return false
}
