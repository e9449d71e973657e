// SPDX-License-Identifier: Apache-2.0
// A real engine in tests: whether there is one, tiny images made from nothing, and leaving nothing behind.
import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import test, { type ExecutionContext } from 'ava'
import { type Connection, connect } from '../../src/docker/index.js'
import { DockerEngine } from '../../src/engine/docker/index.js'
import type { Container, ContainerSpec } from '../../src/ports/index.js'
import { packTar, type TarEntry } from '../../src/tar/index.js'
import { isRequired } from './images.js'
import { directory, file, symlink } from './tar.js'

/** A statically linked busybox: all the userland that a tiny image needs. */
const BUSYBOX = '/bin/busybox'
const REPOSITORY = 'pycds-test-engine'

/** Counts the images of this process, so that names differ. */
let images = 0

/** Why there is nothing to test with; undefined where there is. */
const reason = await missing(connect())

/** Declares a test that needs an engine; it is skipped by name where there is none, unless one is required. */
export function engineTest(
  title: string,
  run: (t: ExecutionContext, docker: DockerFixture) => Promise<void>,
): void {
  if (reason === undefined) test(title, (t) => run(t, new DockerFixture(t, connect())))
  else if (isRequired('docker')) test(title, (t) => t.fail(`cannot be skipped: ${reason}`))
  else test.skip(`${title} (${reason})`, () => {})
}

/** What a test makes on the engine; everything is removed when the test ends, however it ends. */
export class DockerFixture {
  readonly connection: Connection
  readonly engine: DockerEngine
  readonly #t: ExecutionContext

  constructor(t: ExecutionContext, connection: Connection) {
    this.#t = t
    this.connection = connection
    this.engine = new DockerEngine(connection)
    t.teardown(() => this.engine.removeAll())
  }

  /**
   * Makes an image of a busybox and the given members; returns its name.
   *
   * @param changes Dockerfile instructions for its configuration, such as `ENV A=1`
   */
  async image(entries: readonly TarEntry[] = [], changes: readonly string[] = []): Promise<string> {
    images += 1
    const tag = `${process.pid}-${images}`
    const name = this.named(`${REPOSITORY}:${tag}`)
    const root = [
      directory('bin'),
      file('bin/busybox', await readFile(BUSYBOX), { mode: 0o755 }),
      symlink('bin/sh', 'busybox'),
      directory('etc'),
      file('etc/passwd', 'root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n'),
    ]
    const query = `${changes.map((change) => `&changes=${encodeURIComponent(change)}`).join('')}`
    const stream = await this.connection.stream({
      method: 'POST',
      // The engine wants one parameter for each change, which a record of parameters cannot say.
      path: `/images/create?fromSrc=-&repo=${REPOSITORY}&tag=${tag}${query}&x=`,
      tar: await packTar([...root, ...entries]),
      subject: `test image ${name}`,
    })
    await buffer(stream)
    return name
  }

  /** Has an image name removed at the end of the test; returns it. */
  named(name: string): string {
    this.#t.teardown(async () => {
      await this.connection
        .send({ method: 'DELETE', path: `/images/${name}`, query: { force: 'true' }, subject: name })
        // Not every test gets as far as making it.
        .catch(() => {})
    })
    return name
  }

  /** Runs a shell command in a container to its end. */
  async run(image: string, script: string, spec: Partial<ContainerSpec> = {}): Promise<Run> {
    const command = ['/bin/busybox', 'sh', '-c', script]
    const container = await this.engine.create({
      ...{ image, command, env: {}, network: 'none', files: [] },
      ...spec,
    })
    const run: Run = { container, exitCode: -1, stdout: '', stderr: '' }
    await container.start((stream, chunk) => {
      run[stream] += chunk.toString('utf8')
    })
    run.exitCode = (await container.wait()).exitCode
    return run
  }
}

/** A container that has ended, and what it said. */
export interface Run {
  readonly container: Container
  exitCode: number
  stdout: string
  stderr: string
}

async function missing(connection: Connection): Promise<string | undefined> {
  try {
    await connection.json({ method: 'GET', path: '/version', subject: 'engine' })
  } catch {
    return `no container engine at ${connection.address}`
  }
  const isThere = await readFile(BUSYBOX).then(
    () => true,
    () => false,
  )
  return isThere ? undefined : `no ${BUSYBOX} (Debian: busybox-static)`
}
