// SPDX-License-Identifier: Apache-2.0
// The store and the engine on a real engine, with images made from nothing.
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import test, { type ExecutionContext } from 'ava'
import { type Connection, connect } from '../../src/docker/index.js'
import { DockerEngine, RUN_LABEL } from '../../src/engine/docker/index.js'
import {
  appendLayer,
  type ImageConfig,
  type RunConfig,
  removeLayer,
  sha256DiffId,
} from '../../src/image/index.js'
import type { Container, NewLayer } from '../../src/ports/index.js'
import { DockerImageStore } from '../../src/store/docker-daemon/index.js'
import { packTar, readTar } from '../../src/tar/index.js'
import { type DockerFixture, engineTest } from '../helpers/docker.js'
import { directory, file, MOMENT, symlink } from '../helpers/tar.js'

async function newLayer(body: string): Promise<NewLayer> {
  const tar = await packTar([directory('opt'), file('opt/baked', body, { mode: 0o444 })])
  return { tar, diffId: sha256DiffId(tar) }
}

function withLayer(config: ImageConfig, layer: NewLayer): ImageConfig {
  const record = { diffId: layer.diffId, createdBy: 'test', comment: 'c', created: config.created ?? '' }
  return appendLayer(config, record, { env: { BAKED: 'yes' }, labels: { 'io.pycds.test': '1' } })
}

async function history(docker: DockerFixture, image: string): Promise<string[]> {
  const path = `/images/${image}/history`
  const list = await docker.connection.json<{ CreatedBy: string }[]>({ method: 'GET', path, subject: image })
  return list.map((entry) => entry.CreatedBy)
}

engineTest(
  'an image is found, and its configuration is the one that its id is the hash of',
  async (t, docker) => {
    const name = await docker.image([], ['ENV A=1', 'USER app', 'CMD ["/bin/sh"]', 'LABEL x=<&>'])
    const store = new DockerImageStore(docker.connection)
    const image = await store.resolve(name)
    t.like(image, { reference: name, os: 'linux', layers: 1 })
    t.like(image.config.config, { User: 'app', Env: ['A=1'], Cmd: ['/bin/sh'] })
    const config = await store.readConfig(image)
    t.deepEqual(config.rootfs.diff_ids, image.diffIds)
    t.is(config.config?.Labels?.x, '<&>')
    t.is(config.history?.length, 1)
    t.is((await store.resolve(image.id)).id, image.id)
    t.is((await store.resolve(image.id.slice(7, 19))).id, image.id)
  },
)

engineTest('an image that does not exist is not found', async (t, docker) => {
  const store = new DockerImageStore(docker.connection)
  await t.throwsAsync(store.resolve('pycds-test/nonexistent:1'), { code: 'IMAGE_NOT_FOUND' })
  const spec = { image: 'pycds-test/nonexistent:1', env: {}, network: 'none', files: [] } as const
  await t.throwsAsync(docker.engine.create(spec), { code: 'IMAGE_NOT_FOUND' })
})

engineTest('an appended layer is one more line of history; the source stays as it was', async (t, docker) => {
  const name = await docker.image([], ['ENV A=1', 'CMD ["/bin/sh"]'])
  const store = new DockerImageStore(docker.connection)
  const image = await store.resolve(name)
  const config = await store.readConfig(image)
  const layer = await newLayer('one')
  const id = await store.append(image, withLayer(config, layer), layer)
  docker.named(id)
  const made = await store.resolve(id)
  t.deepEqual(made.diffIds, [...image.diffIds, layer.diffId])
  t.is((await history(docker, id)).length, (await history(docker, name)).length + 1)
  t.is((await store.resolve(name)).id, image.id)
  t.is(await store.append(image, withLayer(config, layer), layer), id, 'the same again is the same image')

  const run = await docker.run(id, 'busybox cat /opt/baked; echo $A $BAKED')
  t.is(run.stdout, 'one1 yes\n')

  const again = await newLayer('two')
  const bare = removeLayer(await store.readConfig(made), layer.diffId, {
    unsetEnv: ['BAKED'],
    unsetLabels: ['io.pycds.test'],
  })
  const replaced = docker.named(await store.append(made, withLayer(bare, again), again))
  t.deepEqual((await store.resolve(replaced)).diffIds, [...image.diffIds, again.diffId])
})

/** The connection of an engine that wants all layers in an archive, as the containerd store does; keeps what it got. */
function insisting(connection: Connection): { connection: Connection; sent: () => Buffer } {
  let sent: Buffer | undefined
  const stream: Connection['stream'] = async (request) => {
    if (request.path !== '/images/load' || request.tar === undefined) return await connection.stream(request)
    if (Buffer.isBuffer(request.tar)) return Readable.from([Buffer.from('{"error":"layer not found"}')])
    sent = await buffer(request.tar)
    return await connection.stream({ ...request, tar: sent })
  }
  const { address } = connection
  const json: Connection['json'] = (request) => connection.json(request)
  const send: Connection['send'] = (request) => connection.send(request)
  const header: Connection['header'] = (request, name) => connection.header(request, name)
  return { connection: { address, json, send, header, stream }, sent: () => sent ?? Buffer.alloc(0) }
}

engineTest('an engine that wants all layers gets exactly those of the image', async (t, docker) => {
  const { connection, sent } = insisting(docker.connection)
  const store = new DockerImageStore(connection)
  const image = await store.resolve(await docker.image())
  const layer = await newLayer('insisting')
  const config = withLayer(await store.readConfig(image), layer)
  const id = docker.named(await store.append(image, config, layer))
  t.deepEqual((await store.resolve(id)).diffIds, config.rootfs.diff_ids)
  const bodies = new Map<string, Buffer>()
  await readTar(sent(), async (entry, body) => {
    bodies.set(entry.name, await body())
  })
  const [manifest] = JSON.parse(String(bodies.get('manifest.json'))) as [{ Layers: string[] }]
  t.deepEqual(
    manifest.Layers.map((name) => sha256DiffId(bodies.get(name) ?? Buffer.alloc(0))),
    [...config.rootfs.diff_ids],
  )
})

engineTest('names move, and only images without one are removed', async (t, docker) => {
  const name = await docker.image()
  const store = new DockerImageStore(docker.connection)
  const image = await store.resolve(name)
  const layer = await newLayer('three')
  const id = await store.append(image, withLayer(await store.readConfig(image), layer), layer)
  const target = docker.named(`${name}-cds`)
  await store.tag(id, target)
  await store.remove(id)
  t.is((await store.resolve(target)).id, id)
  await store.tag(image.id, target)
  await store.remove(id)
  await t.throwsAsync(store.resolve(id), { code: 'IMAGE_NOT_FOUND' })
  await t.notThrowsAsync(store.remove(id))
  t.is((await store.resolve(target)).id, image.id)
  await t.throwsAsync(store.tag(id, target), { code: 'IMAGE_NOT_FOUND' })
})

engineTest('a layer that is not what its id says leaves no image', async (t, docker) => {
  const store = new DockerImageStore(docker.connection)
  const image = await store.resolve(await docker.image())
  const layer = await newLayer('four')
  const config = withLayer(await store.readConfig(image), layer)
  const wrong = { tar: (await newLayer('five')).tar, diffId: layer.diffId }
  await t.throwsAsync(store.append(image, config, wrong), { code: 'ENGINE_FAILED' })
})

engineTest('output arrives completely, in order and told apart, though no log is kept', async (t, docker) => {
  const name = await docker.image([], ['CMD ["/bin/sh"]'])
  const script = 'i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done; echo problem >&2; exit 3'
  const run = await docker.run(name, script)
  t.is(run.exitCode, 3)
  t.is(run.stdout, Array.from({ length: 5000 }, (_, i) => `line ${i}\n`).join(''))
  t.is(run.stderr, 'problem\n')
  t.is(run.container.wait(), run.container.wait())
})

engineTest(
  'a run has the variables of the image, changed as asked, its user, and no network',
  async (t, docker) => {
    const name = await docker.image(
      [],
      ['ENV KEEP=1', 'ENV CHANGE=old', 'ENV GONE=x', 'USER app', 'WORKDIR /etc'],
    )
    const run = await docker.run(name, 'busybox env; busybox id -u; busybox pwd; busybox ls /sys/class/net', {
      env: { CHANGE: 'new', ADDED: 'a=b' },
      unsetEnv: ['GONE'],
    })
    const lines = run.stdout.split('\n')
    for (const line of ['KEEP=1', 'CHANGE=new', 'ADDED=a=b', '1000', '/etc', 'lo'])
      t.true(lines.includes(line), line)
    t.false(run.stdout.includes('GONE'))
    t.false(lines.includes('eth0'))
  },
)

engineTest('a run can be confined: another user, a read-only root, no capability', async (t, docker) => {
  const name = await docker.image()
  const script = 'busybox id -u; echo x > /new; busybox grep CapPrm /proc/self/status'
  const run = await docker.run(name, script, { user: '12345', readOnly: true, dropCapabilities: true })
  t.regex(run.stdout, /^12345\nCapPrm:\s+0{16}\n$/)
  t.regex(run.stderr, /Read-only file system/)
  t.deepEqual([...(await run.container.changed(['/new', '/bin']))], [])
})

engineTest('health checks, ports and volumes of the image do not get in the way', async (t, docker) => {
  const name = await docker.image([], ['HEALTHCHECK CMD /bin/false', 'VOLUME /data', 'EXPOSE 8000'])
  const run = await docker.run(name, 'echo done')
  t.is(run.stdout, 'done\n')
  const inspect = async () =>
    await docker.connection.json<{
      Config: { Healthcheck: object; Labels: Record<string, string> }
      Mounts: { Name: string }[]
      State: { Health?: object }
    }>({ method: 'GET', path: `/containers/${run.container.id}/json`, subject: 'container' })
  const found = await inspect()
  t.deepEqual(found.Config.Healthcheck, { Test: ['NONE'] })
  t.truthy(found.Config.Labels[RUN_LABEL])
  const volume = found.Mounts[0]?.Name
  t.truthy(volume)
  await docker.engine.remove(run.container)
  await t.throwsAsync(
    docker.connection.json({ method: 'GET', path: `/volumes/${volume}`, subject: 'volume' }),
    { message: /no such volume/i },
  )
})

engineTest('files are put in with owner, mode and time, and come back', async (t, docker) => {
  const name = await docker.image()
  const files = [
    directory('put', { uid: 7, gid: 8, mode: 0o1777 }),
    file('put/file', 'content', { uid: 1_000_650_000, gid: 5, mode: 0o640 }),
    symlink('put/link', 'file'),
  ]
  const run = await docker.run(name, 'busybox stat -c "%u %g %a %Y" /put/file /put', { files })
  t.is(run.stdout, `1000650000 5 640 ${MOMENT.getTime() / 1000}\n7 8 1777 ${MOMENT.getTime() / 1000}\n`)
  const { container } = run
  t.deepEqual(await container.lstat('/put/file'), {
    ...{ type: 'file', mode: 0o640, uid: 1_000_650_000, gid: 5, mtime: MOMENT },
  })
  t.like(await container.lstat('/put'), { type: 'directory', mode: 0o1777, uid: 7, gid: 8 })
  t.like(await container.lstat('/put/link'), { type: 'symlink', linkname: 'file' })
  t.deepEqual(await container.stat('/put/link'), {
    size: 7,
    mtime: '2001-09-09T01:46:40Z',
    mode: 0o100640,
  })
  t.is(String(await container.readFile('/put/link')), 'content')
  t.deepEqual([...(await container.changed(['/put/file', '/bin/sh']))], ['/put/file'])
})

engineTest('links are followed as in the container, also absolute ones and chains', async (t, docker) => {
  const name = await docker.image([
    directory('usr'),
    directory('usr/lib'),
    file('usr/lib/libx.so.1.0', 'library'),
    symlink('usr/lib/libx.so.1', 'libx.so.1.0'),
    symlink('usr/lib/libx.so', '/usr/lib/libx.so.1'),
    symlink('lib', 'usr/lib'),
    symlink('outside', '../../../etc/passwd'),
    symlink('loop', 'loop'),
    symlink('dangling', 'nowhere'),
  ])
  const { container } = await docker.run(name, ':')
  t.is(String(await container.readFile('/lib/libx.so')), 'library')
  t.is((await container.stat('/lib/libx.so'))?.size, 7)
  t.regex(String(await container.readFile('/outside')), /^root:x:0:0/)
  t.deepEqual([...(await container.readTree('/lib')).keys()], ['libx.so.1.0'])
  for (const path of ['/loop', '/dangling']) {
    t.is(await container.stat(path), undefined, path)
    t.is(await container.readFile(path), undefined, path)
  }
  t.like(await container.lstat('/dangling'), { type: 'symlink', linkname: 'nowhere' })
})

engineTest(
  'what does not exist is undefined; a container that does not exist is an error',
  async (t, docker) => {
    const { container } = await docker.run(await docker.image(), ':')
    for (const path of ['/nope', '/nope/deeper', '/etc/passwd/x']) {
      t.is(await container.stat(path), undefined, path)
      t.is(await container.lstat(path), undefined, path)
      t.is(await container.readFile(path), undefined, path)
      t.is((await container.readTree(path)).size, 0, path)
    }
    t.is(await container.readFile('/etc'), undefined, 'a directory is no file')
    t.is((await container.readTree('/etc/passwd')).size, 0, 'a file is no directory')
    await docker.engine.remove(container)
    await t.throwsAsync(container.stat('/etc'), { code: 'ENGINE_FAILED' })
    await t.notThrowsAsync(container.stop(1))
    await t.notThrowsAsync(docker.engine.remove(container))
  },
)

engineTest('a tree is read with its folders, and the root of the container too', async (t, docker) => {
  const name = await docker.image([
    directory('trace'),
    directory('trace/deep'),
    file('trace/a', '1'),
    file('trace/deep/b', Buffer.alloc(200_000, 'b')),
    symlink('trace/c', 'a'),
  ])
  const { container } = await docker.run(name, ':')
  const tree = await container.readTree('/trace')
  t.deepEqual([...tree.keys()].sort(), ['a', 'deep/b'])
  t.is(tree.get('deep/b')?.length, 200_000)
  t.true((await container.readTree('/')).has('trace/deep/b'))
})

engineTest('what was added, modified or deleted has changed, and nothing else', async (t, docker) => {
  const image = await docker.image([
    ...['kept', 'old', 'gone', 'away/deep', 'dir/file'].map((name) => file(name, 'x')),
    file('owned', 'x'),
  ])
  const { container } = await docker.run(
    image,
    'echo y > /new; echo y > /old; busybox rm -r /gone /away; echo y > /dir/other; busybox chown 0:0 /owned',
  )
  const changed = ['/new', '/old', '/gone', '/away', '/dir/other']
  t.deepEqual([...(await container.changed(['/kept', '/dir/file', '/nowhere']))], [])
  t.deepEqual([...(await container.changed(['/kept', '/owned', '/dir/file', ...changed]))], changed)
})

/** For settings that the engine's import does not take. */
async function configuredImage(docker: DockerFixture, settings: RunConfig): Promise<string> {
  const store = new DockerImageStore(docker.connection)
  const image = await store.resolve(await docker.image())
  const layer = await newLayer(JSON.stringify(settings))
  const config = withLayer(await store.readConfig(image), layer)
  const changed = { ...config, config: { ...config.config, ...settings } }
  return docker.named(await store.append(image, changed, layer))
}

async function startServer(docker: DockerFixture, image: string, script: string): Promise<Container> {
  const command = ['/bin/busybox', 'sh', '-c', script]
  const container = await docker.engine.create({ image, command, env: {}, network: 'none', files: [] })
  await new Promise<void>((resolve, reject) => {
    let text = ''
    const listen = (_: string, chunk: Buffer) => {
      text += chunk
      if (text.includes('ready')) resolve()
    }
    container.start(listen).catch(reject)
  })
  return container
}

engineTest(
  'an image that asks for a terminal gets none, so its outputs can be told apart',
  async (t, docker) => {
    const run = await docker.run(await configuredImage(docker, { Tty: true }), 'echo out; echo err >&2')
    t.like(run, { stdout: 'out\n', stderr: 'err\n' })
  },
)

engineTest("a stop sends the image's signal; files can be read before", async (t, docker) => {
  const name = await configuredImage(docker, { StopSignal: 'SIGUSR1' })
  const script = 'trap "exit 42" USR1; echo seen > /seen; echo ready; while :; do busybox sleep 0.05; done'
  const container = await startServer(docker, name, script)
  t.is(String(await container.readFile('/seen')), 'seen\n')
  await container.stop(20)
  t.deepEqual(await container.wait(), { exitCode: 42 })
  await t.notThrowsAsync(container.stop(20))
})

engineTest('what does not listen is killed after the grace', async (t, docker) => {
  const script = 'trap "" TERM; echo ready; while :; do busybox sleep 0.05; done'
  const container = await startServer(docker, await docker.image(), script)
  await container.stop(1)
  t.deepEqual(await container.wait(), { exitCode: 137 })
})

const failsToStart =
  (command: string[] | undefined, code: string, message: RegExp, user?: string) =>
  async (t: ExecutionContext, docker: DockerFixture): Promise<void> => {
    const image = await docker.image([file('etc/noexec', 'text', { mode: 0o644 })])
    const start = async () => {
      const spec = { image, env: {}, network: 'none', files: [] } as const
      const confined = user === undefined ? spec : { ...spec, user }
      const container = await docker.engine.create(
        command === undefined ? confined : { ...confined, command },
      )
      await container.start(() => {})
    }
    const error = await t.throwsAsync(start, { code, message })
    t.true((error?.message.length ?? 0) < 300)
    t.notRegex(error?.message ?? '', /OCI runtime|: unknown$/)
  }
engineTest(
  'a command that is missing',
  failsToStart(['serve'], 'TRAINING_FAILED', /"serve": executable file not found/),
)
engineTest(
  'a path that is missing',
  failsToStart(['/x/serve'], 'TRAINING_FAILED', /no such file or directory/),
)
engineTest('a python that is missing', failsToStart(['python3', '-m', 'app'], 'NO_PYTHON', /python3/))
engineTest(
  'a command that may not be executed',
  failsToStart(['/etc/noexec'], 'TRAINING_FAILED', /permission denied/),
)
engineTest(
  'a user that is missing',
  failsToStart(['/bin/sh'], 'TRAINING_FAILED', /unable to find user ghost/, 'ghost'),
)
engineTest('an image without a command', failsToStart(undefined, 'TRAINING_FAILED', /no command specified/i))

engineTest('removing all leaves nothing, running or not', async (t, docker) => {
  const image = await docker.image()
  const engine = new DockerEngine(docker.connection)
  const spec = {
    image,
    command: ['/bin/busybox', 'sleep', '600'],
    env: {},
    network: 'none',
    files: [],
  } as const
  const running = await engine.create(spec)
  await running.start()
  const made = engine.create(spec).catch(() => undefined)
  await engine.removeAll()
  for (const container of [running, await made]) {
    if (container === undefined) continue
    const path = `/containers/${container.id}/json`
    await t.throwsAsync(docker.connection.json({ method: 'GET', path, subject: 'x' }), {
      message: /No such container/,
    })
  }
  t.is(typeof (await running.wait()).exitCode, 'number')
})

engineTest('the engine describes itself', async (t, docker) => {
  const found = await docker.engine.describe()
  t.is(found.os, 'linux')
  t.regex(found.apiVersion, /^1\.\d+$/)
  t.is(found.endpoint, docker.connection.address)
  for (const [field, value] of Object.entries(found)) t.truthy(value, field)
})

test('an engine that is not there cannot be reached', async (t) => {
  const connection = connect({ DOCKER_HOST: 'unix:///nonexistent/engine.sock' })
  await t.throwsAsync(new DockerEngine(connection).describe(), { code: 'ENGINE_UNREACHABLE' })
  await t.throwsAsync(new DockerImageStore(connection).resolve('app'), { code: 'ENGINE_UNREACHABLE' })
})
