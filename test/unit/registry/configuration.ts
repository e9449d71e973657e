// SPDX-License-Identifier: Apache-2.0
// Mirrors, prefixes and what is insecure, by registries.conf; and that proxies are gone through.
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { RegistryConfiguration } from '../../../src/registry/configuration.js'
import { BlobCache, Registries } from '../../../src/registry/index.js'
import { parseRepository } from '../../../src/registry/name.js'
import { digestOf, TestRegistry } from '../../helpers/registry.js'
import { temporary } from '../../helpers/temporary.js'

function configured(t: ExecutionContext, text: string): NodeJS.ProcessEnv {
  const path = join(temporary(t), 'registries.conf')
  writeFileSync(path, text)
  return { CONTAINERS_REGISTRIES_CONF: path, SSL_CERT_FILE: '/dev/null' }
}

const places = (env: NodeJS.ProcessEnv, name: string) =>
  new RegistryConfiguration(env).placesOf(parseRepository(name))
const place = (name: string, insecure = false) => ({ ...parseRepository(name), insecure })

test('without configuration a name is a place', (t) => {
  t.deepEqual(places({ CONTAINERS_REGISTRIES_CONF: '/dev/null' }, 'a.example/b/c'), {
    mirrors: [],
    primary: place('a.example/b/c'),
  })
})

test('the longest prefix counts, and rewrites what it stands for', (t) => {
  const env = configured(
    t,
    `[[registry]]
location = "a.example"
insecure = true
[[registry]]
prefix = "a.example/team"
location = "b.example/copies"
[[registry.mirror]]
location = "mirror.example/team"
insecure = true
[[registry]]
prefix = "*.wild.example"
insecure = true
[[registry]]
prefix = "blocked.example"
blocked = true`,
  )
  t.deepEqual(places(env, 'a.example/other/x').primary, place('a.example/other/x', true))
  t.deepEqual(places(env, 'a.example/team/x'), {
    mirrors: [place('mirror.example/team/x', true)],
    primary: place('b.example/copies/x'),
  })
  t.deepEqual(places(env, 'a.example/teams/x').primary, place('a.example/teams/x', true))
  t.deepEqual(places(env, 'deep.wild.example:5000/x').primary, place('deep.wild.example:5000/x', true))
  t.throws(() => places(env, 'blocked.example/x'), { code: 'REGISTRY_REFUSED' })
})

test('a file that is no TOML is told', (t) => {
  t.throws(() => places(configured(t, 'x = ['), 'a.example/b'), { code: 'USAGE' })
})

const open = (t: ExecutionContext, env: NodeJS.ProcessEnv) => {
  const patience = { attempts: 2, firstWaitMs: 1, longestWaitMs: 2 }
  const registries = new Registries({ env, cache: new BlobCache(), patience })
  t.teardown(() => registries.close())
  return registries
}
const TYPE = 'application/vnd.oci.image.manifest.v1+json'
const DOCUMENT = { schemaVersion: 2, x: 1 }

test('a mirror is asked first, and what it has not, or says wrongly, comes from the registry', async (t) => {
  const [mirror, registry] = [await TestRegistry.start(t), await TestRegistry.start(t)]
  const env = configured(
    t,
    `[[registry]]\nlocation = "${registry.host}"\n[[registry.mirror]]\nlocation = "${mirror.host}"`,
  )
  registry.addManifest('app', TYPE, DOCUMENT, '1')
  const blob = registry.addBlob('app', Buffer.from('blob'))
  const read = () => open(t, env).repository(parseRepository(`${registry.host}/app`))
  const first = await read().manifest('1')
  t.false(first.fromMirror)
  t.true(mirror.lines.includes('GET /v2/app/manifests/1'))
  mirror.addManifest('app', TYPE, DOCUMENT, '1')
  t.true((await read().manifest('1')).fromMirror)
  const { buffer } = await import('node:stream/consumers')
  t.is(digestOf(await buffer(read().readBlob(blob as `sha256:${string}` as never, 4))), blob)
  mirror.behaviour.fault = () => ({ kind: 'cut' })
  t.false((await read().manifest('1')).fromMirror)
})

test('a host elsewhere is never spoken to without TLS, unless that is configured', async (t) => {
  const registry = await TestRegistry.start(t)
  registry.addManifest('app', TYPE, DOCUMENT, '1')
  const proxy = await startProxy(t, registry)
  const name = parseRepository('registry.test:5000/app')
  const through = { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url }
  const strict = { ...configured(t, ''), ...through }
  await t.throwsAsync(open(t, strict).repository(name).manifest('1'), { code: 'REGISTRY_UNREACHABLE' })
  t.deepEqual(registry.lines, [])
  const env = {
    ...configured(t, '[[registry]]\nlocation = "registry.test:5000"\ninsecure = true'),
    ...through,
  }
  const found = await open(t, env).repository(name).manifest('1')
  t.deepEqual(JSON.parse(String(found.bytes)), DOCUMENT)
  t.true(proxy.asked.every((target) => target === 'registry.test:5000'))
  const none = { ...env, NO_PROXY: 'registry.test' }
  await t.throwsAsync(open(t, none).repository(name).manifest('1'), { code: 'REGISTRY_UNREACHABLE' })
})

/** A proxy that leads everything to one registry. */
async function startProxy(t: ExecutionContext, registry: TestRegistry) {
  const asked: string[] = []
  const server = createServer()
  server.on('connect', ({ url = '' }, client) => {
    asked.push(url)
    const [host = '', port] = registry.host.split(':')
    const socket = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.pipe(client).pipe(socket)
    })
    for (const end of [socket, client]) end.on('error', () => end.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}
