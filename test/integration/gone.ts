// SPDX-License-Identifier: Apache-2.0
// An engine or a registry that is gone in the middle of a bake, and does not come back: the bake ends, says which one and what
// to do, and leaves nothing.
import type { ChildProcess } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { BlobCache, Registries } from '../../src/registry/index.js'
import { LocationStore } from '../../src/store/locations/index.js'
import { pycds } from '../helpers/cli.js'
import { hasImage, imageName } from '../helpers/engine.js'
import { type Death, startEngineProxy } from '../helpers/engine-proxy.js'
import { ensureImage } from '../helpers/images.js'
import { simpleLayout } from '../helpers/layout.js'
import { removeLeftBy } from '../helpers/leftovers.js'
import { TestRegistry } from '../helpers/registry.js'
import { temporary } from '../helpers/temporary.js'
import { TIER } from '../helpers/tier.js'

/** Within this an end has been noticed on a busy machine, with all that a bake had done before. */
const BOUND_MS = 3 * 60_000

const image = await ensureImage('minimal')
const withImage = image === undefined ? test.skip : test
const inAll = TIER === 'all' ? withImage : test.skip

/** Bakes, which must fail as a bake does whose object is gone. */
async function failsWithout(
  t: ExecutionContext,
  words: readonly string[],
  says: RegExp,
  env: NodeJS.ProcessEnv = {},
): Promise<void> {
  t.timeout(2 * BOUND_MS)
  const place = temporary(t)
  let pid = 0
  const onStart = (child: ChildProcess) => {
    pid = child.pid ?? 0
  }
  t.teardown(() => removeLeftBy(pid))
  const options = ['--measure', '0', '--progress', 'quiet']
  const { code, stdout, stderr } = await pycds(['bake', ...words, ...options], {
    env: { ...env, TMPDIR: place },
    deadlineMs: BOUND_MS,
    onStart,
  })
  t.is(code, 6, stdout + stderr)
  t.regex(stderr, says)
  t.regex(stderr, /^ *next {2}\S/m)
  t.notRegex(stderr, /this is a bug/i)
  t.deepEqual(readdirSync(place), [])
}

const engineDies = test.macro(async (t: ExecutionContext, death: Death, output?: string) => {
  const name = imageName(t)
  const proxy = await startEngineProxy(t, death)
  const directory = temporary(t)
  const to = output === undefined ? ['-t', name] : ['-o', `${output}:${join(directory, 'out')}`]
  // An image that the engine has already, as one that nobody could remove there, is not loaded. Names of variables tell images
  // apart, and values do not.
  const unlike = ['--train-env', `${name.replace(/\W/g, '_')}=1`]
  const says = new RegExp(`engine at ${proxy.address}: (?:nothing answers there|the connection was lost)`)
  await failsWithout(t, [image ?? '', ...to, ...unlike], says, { DOCKER_HOST: proxy.address })
  t.true(proxy.isDead())
  t.false(await hasImage(name))
  t.deepEqual(readdirSync(directory), [])
})

const LOAD = /^POST \S*\/images\/load/
withImage('an engine that is gone while it takes the new image', engineDies, { request: LOAD, sent: 4096 })
inAll('before its first answer', engineDies, { request: /./ })
inAll('while the container is made', engineDies, { request: /^POST \S*\/containers\/create/ })
inAll('while files of the image are read', engineDies, { request: /^GET \S*\/archive/, received: 1 })
inAll('while the tracer is put in', engineDies, { request: /^PUT \S*\/archive/, sent: 4096 })
inAll('when the training run has begun', engineDies, { request: /^POST \S*\/start/, received: 1 })
inAll('while the end of the training run is waited for', engineDies, {
  request: /^POST \S*\/wait/,
  received: 1,
})
inAll('when the new image is loaded and not named', engineDies, { request: LOAD, received: 1 })
inAll('while the name is given', engineDies, { request: /^POST \S*\/images\/\S*\/tag/ })
for (const to of ['oci', 'oci-archive', 'docker-archive']) {
  const death = { request: /^GET \S*\/images\/(?:\S+\/)?get/, received: 1 << 20 }
  inAll(`while the image is exported to ${to}`, engineDies, death, to)
}

/** The registry dies when such a request has begun. */
const registryDies = test.macro(async (t: ExecutionContext, request: RegExp, isSource = false) => {
  const registry = await TestRegistry.start(t)
  const layout = await simpleLayout(t)
  const registries = new Registries({ cache: new BlobCache(), env: { SSL_CERT_FILE: '/dev/null' } })
  t.teardown(() => registries.close())
  const store = new LocationStore({ registries })
  for (const tag of ['1', 'old'])
    await store.tag((await store.resolve(`oci:${layout.path}`)).id, `registry:${registry.host}/app:${tag}`)
  const tags = registry.tags
  let isDead = false
  registry.behaviour.fault = ({ method, path }) => {
    if (!request.test(`${method} ${path}`)) return undefined
    isDead = true
    registry.stop()
    return { kind: 'cut' }
  }
  const at = `registry:${registry.host}/app`
  const words = isSource ? [`${at}:1`, '-t', 'old'] : [image ?? '', '-o', `${at}:old`]
  await failsWithout(t, words, new RegExp(`registry ${registry.host}`))
  t.true(isDead)
  t.deepEqual(registry.tags, tags)
})

withImage('a registry that is gone before it gets the manifest', registryDies, /^PUT .*\/manifests\//)
inAll('while it is asked for the image', registryDies, /^GET .*\/manifests\//, true)
inAll('while a layer is read', registryDies, /^GET .*\/blobs\//, true)
inAll('when an upload is begun', registryDies, /^POST .*\/blobs\/uploads\//)
inAll('while a layer goes up', registryDies, /^(?:PUT|PATCH) .*\/blobs\/uploads\//)
