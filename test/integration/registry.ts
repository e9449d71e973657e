// SPDX-License-Identifier: Apache-2.0
// Images of real registries: with TLS of a test authority, passwords, tokens, and connections that break. What goes there is
// read by other tools, and is what every other way gives.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import { appendLayer, sha256DiffId } from '../../src/image/index.js'
import { BlobCache, Registries } from '../../src/registry/index.js'
import { LocationStore } from '../../src/store/locations/index.js'
import { packTar } from '../../src/tar/index.js'
import type { DoctorResult } from '../../src/usecases/doctor.js'
import { baked } from '../helpers/baked.js'
import { bakes, pycds, verifies } from '../helpers/cli.js'
import {
  CANARIES,
  homeOf,
  makeCertificate,
  pushImage,
  startCuttingProxy,
  startDockerRegistry,
  startTokenServer,
  USER,
} from '../helpers/docker-registry.js'
import { docker } from '../helpers/engine.js'
import { ensureImage } from '../helpers/images.js'
import { simpleLayout } from '../helpers/layout.js'
import { Podman } from '../helpers/podman.js'
import { DEADLINE_MS, has, run } from '../helpers/run.js'
import { type SideEngine, sideEngine } from '../helpers/side-engine.js'
import { file } from '../helpers/tar.js'
import { temporary } from '../helpers/temporary.js'
import { TIER } from '../helpers/tier.js'

const image = await ensureImage('minimal')
const hasRegistry = (await has('docker-registry')) && (await run('openssl', ['version'])).code === 0
const hasSkopeo = await has('skopeo')
const { stdout } = await pycds(['doctor', 'oci:/nonexistent', '--json'])
const engine = (JSON.parse(stdout) as DoctorResult).checks.find(({ id }) => id === 'engine')
const podman =
  TIER === 'all' && image !== undefined && hasRegistry
    ? await Podman.start('rootful')
    : 'only in the tier all'
const side =
  TIER === 'all' && image !== undefined && hasRegistry
    ? await sideEngine('docker-28-containerd')
    : 'only in the tier all'
const withRegistry = hasRegistry ? test.serial : test.serial.skip
const withAll =
  hasRegistry && hasSkopeo && image !== undefined && engine?.status === 'ok' ? test.serial : test.serial.skip

withAll('TLS and a password: a bake within a registry is read by skopeo and run by the engine', async (t) => {
  t.timeout(DEADLINE_MS)
  const tls = await makeCertificate(t)
  const { host } = await startDockerRegistry(t, { auth: 'htpasswd', tls })
  const creds = `${USER.name}:${USER.password}`
  await pushImage(image ?? '', `${host}/team/api:1`, '--dest-creds', creds)
  const source = `docker://${host}/team/api:1`

  // Neither without the authority nor without the password.
  const untrusted = await pycds(['doctor', source], { env: homeOf(t, [host]) })
  t.is(untrusted.code, 6, untrusted.stdout)
  const stranger = await pycds(['doctor', source, '--json'], {
    env: { ...homeOf(t, []), SSL_CERT_FILE: tls.ca },
  })
  t.is(stranger.code, 6, stranger.stdout)

  const directory = temporary(t)
  const written = ['metadata.json', 'trace.json', 'id'].map((name) => join(directory, name))
  const [metadata = '', trace = '', iidfile = ''] = written
  const env = { ...homeOf(t, [host], tls.ca), DEBUG: 'pycds*' }
  const outputs = ['--metadata-file', metadata, '--trace-out', trace, '--iidfile', iidfile]
  const { code, stdout, stderr } = await pycds(['bake', source, '--json', '--measure', '0', ...outputs], {
    env,
  })
  t.is(code, 0, stderr)
  const result = JSON.parse(stdout)
  t.is(result.output.reference, `registry:${host}/team/api:1-cds`)
  if (image !== undefined) t.is(result.layer.diffId, (await baked(image)).result.layer.diffId)
  await verifies(t, result.output.reference, 50, [], { env })

  const cached = ['inspect', `${source}-cds`, '--cache-dir', join(directory, 'cache')]
  const inspected = await pycds(cached, { env })
  t.is(inspected.code, 0, inspected.stderr)
  t.true(readdirSync(join(directory, 'cache/blobs/sha256')).length > 1)

  const reader = ['inspect', '--creds', creds, '--tls-verify=false', `docker://${host}/team/api:1-cds`]
  const seen = await run('skopeo', reader)
  t.is(seen.code, 0, seen.stderr)
  t.is(JSON.parse(seen.stdout).Digest, result.output.manifestDigest)

  const config = join(directory, 'docker')
  mkdirSync(config)
  const auth = Buffer.from(creds).toString('base64')
  writeFileSync(join(config, 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }))
  const name = `${host}/team/api:1-cds`
  t.teardown(() => run('docker', ['rmi', '-f', name]))
  await docker('--config', config, 'pull', '-q', name)
  const ran = await run('docker', [
    'run',
    '--rm',
    '-e',
    'PYCDS=require',
    name,
    'python3',
    '-c',
    'import json; print(json)',
  ])
  t.is(ran.code, 0, ran.stderr)

  const broken = await pycds(['doctor', `docker://${host}/no/such`, '--json'], { env })
  t.is(broken.code, 7)
  const all = [untrusted, stranger, inspected, broken, { stdout, stderr }].map(
    (one) => one.stdout + one.stderr,
  )
  for (const text of [...all, ...written.map((path) => readFileSync(path, 'utf8'))]) {
    for (const canary of CANARIES) t.false(text.includes(canary), text.slice(0, 500))
  }
})

withAll(
  'tokens that end soon: an image of the engine goes to a registry, and on to another one',
  async (t) => {
    t.timeout(DEADLINE_MS)
    const tokens = await startTokenServer(t, 2)
    const first = await startDockerRegistry(t, { auth: tokens })
    const second = await startDockerRegistry(t)
    const pushed = `registry:${first.host}/team/api:1`
    const nobody = await pycds(['bake', image ?? '', '-o', pushed, '--measure', '0'], { env: homeOf(t, []) })
    t.is(nobody.code, 6, nobody.stderr)
    t.notRegex(nobody.stderr, /Run the entrypoint/, 'nothing is run for what cannot be written')

    const env = homeOf(t, [first.host])
    const fromEngine = await bakes(t, [image ?? '', '-o', pushed], { env })
    const mounted = await bakes(t, [pushed, '-o', `registry:${first.host}/other/api:2`], { env })
    t.is(mounted.layer.diffId, fromEngine.layer.diffId)
    t.true(tokens.asked.some((scopes) => scopes.includes('repository:team/api:pull') && scopes.length === 2))

    // What is said of an image, and what of that stays true.
    const trace = join(temporary(t), 'trace.json')
    const recorded = await pycds(['trace', pushed, '-o', trace], { env })
    t.is(recorded.code, 0, recorded.stderr)
    const attached = await pycds(['trace', 'push', trace, pushed], { env })
    t.deepEqual([attached.code, attached.stderr], [0, ''])
    const across = `registry:${second.host}/api:3`
    const words = ['--train', 'none', '--trace-in', trace, '-o', across]
    const copied = await bakes(t, [pushed, ...words, '--copy-referrers'], { env })
    t.deepEqual(copied.warnings, [])
    const pulled = await pycds(['trace', 'pull', across], { env })
    t.is(pulled.stdout.trim(), readFileSync(trace, 'utf8').trim(), pulled.stderr)
    const seen = await run('skopeo', ['inspect', '--tls-verify=false', `docker://${second.host}/api:3`])
    t.is(JSON.parse(seen.stdout).Digest, copied.output?.manifestDigest, seen.stderr)
  },
)

test.after.always(async () => {
  if (typeof podman !== 'string') await podman.stop()
})
const withPodman = typeof podman === 'string' ? test.serial.skip : withAll
withPodman('what is baked in a registry is pulled and run by Podman', async (t) => {
  t.timeout(DEADLINE_MS)
  const { host } = await startDockerRegistry(t)
  await pushImage(image ?? '', `${host}/team/api:1`)
  await bakes(t, [`registry:${host}/team/api:1`])
  const client = podman as Podman
  const name = `${host}/team/api:1-cds`
  const pulled = await client.client('pull', '-q', '--tls-verify=false', name)
  t.is(pulled.code, 0, pulled.stderr)
  const program = ['python3', '-c', 'import json; print(json.dumps(1))']
  const words = ['run', '--rm', '--network=none', '--env=PYCDS=require', name, ...program]
  const { code, stdout, stderr } = await client.client(...words)
  t.is(code, 0, stderr)
  t.is(stdout.trim(), '1')
})

const withSide = typeof side === 'string' ? test.serial.skip : withAll
withSide(
  `what is baked in a registry is pulled and run from a store of containerd${typeof side === 'string' ? ` (${side})` : ''}`,
  async (t) => {
    t.timeout(DEADLINE_MS)
    const { host, data } = await startDockerRegistry(t)
    await pushImage(image ?? '', `${host}/team/api:1`)
    const { output } = await bakes(t, [`registry:${host}/team/api:1`])
    const client = side as SideEngine
    const near = await startDockerRegistry(t, { data, network: await client.network() })
    const name = `${near.host}/team/api:1-cds`
    const env = { DOCKER_HOST: client.address }
    t.teardown(() => run('docker', ['image', 'rm', '--force', name], { env }))
    const pulled = await run('docker', ['pull', '--quiet', name], { env })
    t.is(pulled.code, 0, pulled.stderr)
    const { stdout: id } = await run('docker', ['image', 'inspect', '--format', '{{.Id}}', name], { env })
    t.is(id.trim(), output?.manifestDigest ?? '')
    const program = ['python3', '-c', 'import json; print(json.dumps(1))']
    const words = ['run', '--rm', '--network=none', '--env=PYCDS=require', name, ...program]
    const { code, stdout, stderr } = await run('docker', words, { env })
    t.is(code, 0, stderr)
    t.is(stdout.trim(), '1')
  },
)

test('a registry elsewhere is asked through the proxy, by the program as it is published', async (t) => {
  t.timeout(DEADLINE_MS)
  const asked = new Set<string | undefined>()
  const proxy = createServer()
  proxy.on('connect', ({ url }, connection) => {
    asked.add(url)
    connection.end('HTTP/1.1 403 Forbidden\r\n\r\n')
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  t.teardown(() => proxy.close())
  const env = { ...homeOf(t, []), HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` }
  const { code, stderr } = await pycds(['inspect', 'registry:registry.example/team/api:1'], { env })
  t.is(code, 6, stderr)
  t.deepEqual([...asked], ['registry.example:443'])
})

for (const what of ['request', 'answer'] as const) {
  withRegistry(`a bake succeeds when the connection breaks in any one ${what}`, async (t) => {
    t.timeout(DEADLINE_MS)
    const registry = await startDockerRegistry(t)
    const proxy = await startCuttingProxy(t, registry)
    const layout = await simpleLayout(t)
    const open = () => {
      const patience = { attempts: 4, firstWaitMs: 1, longestWaitMs: 20 }
      const env = { SSL_CERT_FILE: '/dev/null' }
      const registries = new Registries({ env, cache: new BlobCache(), patience, pieceBytes: 4000 })
      t.teardown(() => registries.close())
      return new LocationStore({ registries })
    }
    const bake = async (host: string, target: string, content: string) => {
      const store = open()
      await store.assertNameable(`registry:${host}/${target}`)
      const source = await store.resolve(`registry:${host}/app:1`)
      const tar = await packTar([file('added', content)])
      const layer = { tar, diffId: sha256DiffId(tar) }
      const record = { diffId: layer.diffId, createdBy: '', comment: '', created: '2024-05-01T12:00:00Z' }
      const config = appendLayer(await store.readConfig(source), record, { env: {}, labels: {} })
      return await store.tag(await store.append(source, config, layer), `registry:${host}/${target}`)
    }
    const store = open()
    await store.tag((await store.resolve(`oci:${layout.path}`)).id, `registry:${registry.host}/app:1`)
    const content = [...Array(3000).keys()].map((n) => String(n * 7919)).join()
    const expected = await bake(proxy.host, 'undisturbed:1', content)
    const count = proxy.count
    t.true(count > 10)
    for (let at = 0; at < count; at += 1) {
      proxy.count = 0
      proxy.plan = (index) => (index === at ? what : undefined)
      const digests = await bake(proxy.host, `disturbed-${at}:1`, content)
      t.is(digests.manifest, expected.manifest, `request ${at}`)
    }
    proxy.plan = () => 'request'
    await t.throwsAsync(bake(proxy.host, 'undisturbed:1', 'other'), { code: 'REGISTRY_UNREACHABLE' })
    proxy.plan = () => undefined
    const image = await open().resolve(`registry:${proxy.host}/undisturbed:1`)
    t.is(image.id, expected.config)
  })
}
