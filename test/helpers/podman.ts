// SPDX-License-Identifier: Apache-2.0
// Podman's Docker-compatible service in tests: with a socket and a storage of its own, as root or as a user that
// has nothing to do with root. Storage and socket go with the test file.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Outcome, run } from './run.js'

/** The user of rootless tests; scripts/test.sh makes it. */
const USER = 'pycds-test'
/** A service that lives and does not answer for so long is a failure, and no machine that cannot have one. */
const START_DEADLINE_MS = 300_000

export type PodmanKind = 'rootful' | 'rootless'

export class Podman {
  /** For DOCKER_HOST. */
  readonly host: string
  readonly #directory: string
  readonly #user: { uid: number; gid: number } | undefined
  #service: ChildProcess | undefined

  private constructor(kind: PodmanKind, user: { uid: number; gid: number } | undefined) {
    this.#directory = join(tmpdir(), `pycds-test-podman-${kind}-${process.pid}`)
    this.#user = user
    this.host = `unix://${join(this.#directory, 'podman.sock')}`
  }

  /** Starts a service; the reason where this machine cannot run one. */
  static async start(kind: PodmanKind): Promise<Podman | string> {
    if ((await run('podman', ['--version'])).code !== 0) return 'podman is not installed'
    if (process.getuid?.() !== 0) return 'only root can make its storage and change users'
    const user = kind === 'rootless' ? findUser() : undefined
    if (kind === 'rootless' && user === undefined)
      return `there is no user ${USER} with subordinate ids (scripts/test.sh makes it)`
    const podman = new Podman(kind, user)
    const failure = await podman.#start()
    if (failure === undefined) return podman
    await podman.stop()
    return failure
  }

  /** Runs the client on the same storage. */
  client(...args: string[]): Promise<Outcome> {
    const [file = '', ...words] = this.#command(args)
    return run(file, words, { env: this.#environment() })
  }

  async stop(): Promise<void> {
    const service = this.#service
    if (service !== undefined) {
      if (service.exitCode === null && service.signalCode === null) {
        const ended = once(service, 'exit')
        service.kill()
        await ended
      }
      // The process that keeps the user namespace of rootless Podman has them, too.
      service.stdout?.destroy()
      service.stderr?.destroy()
    }
    // What other ids own inside of a user namespace is removed from outside.
    await this.client('system', 'reset', '--force')
    await run('rm', ['-rf', this.#directory])
  }

  async #start(): Promise<string | undefined> {
    mkdirSync(join(this.#directory, 'run'), { recursive: true, mode: 0o700 })
    // No limits that only the real root could raise, and the runtime that needs no control groups of the second kind.
    writeFileSync(
      join(this.#directory, 'containers.conf'),
      '[containers]\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\n' +
        '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n',
    )
    const { uid, gid } = this.#user ?? { uid: 0, gid: 0 }
    for (const name of ['', 'run', 'containers.conf']) chownSync(join(this.#directory, name), uid, gid)
    const [file = '', ...words] = this.#command(['system', 'service', '--time', '0', this.host])
    const service = spawn(file, words, { env: this.#environment(), cwd: this.#directory })
    this.#service = service
    let said = ''
    service.stdout.resume()
    service.stderr.on('data', (chunk: Buffer) => {
      said = `${said}${chunk}`.slice(-1000)
    })
    const deadline = Date.now() + START_DEADLINE_MS
    while (!existsSync(this.host.slice('unix://'.length))) {
      if (service.exitCode !== null) return `its service does not start: ${said.trim()}`
      if (Date.now() > deadline) throw new Error(`podman's service does not answer: ${said.trim()}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    return undefined
  }

  #command(args: readonly string[]): string[] {
    const storage = ['--root', join(this.#directory, 'root'), '--runroot', join(this.#directory, 'runroot')]
    const words = ['podman', ...storage, '--storage-driver', 'overlay', ...args]
    if (this.#user === undefined) return words
    const { uid, gid } = this.#user
    return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...words]
  }

  #environment(): Record<string, string> {
    const { HOME = '/', PATH = '/usr/bin:/bin' } = process.env
    return {
      PATH,
      HOME: this.#user === undefined ? HOME : this.#directory,
      XDG_RUNTIME_DIR: join(this.#directory, 'run'),
      CONTAINERS_CONF: join(this.#directory, 'containers.conf'),
    }
  }
}

function findUser(): { uid: number; gid: number } | undefined {
  const line = lines('/etc/passwd').find(([name]) => name === USER)
  const maps = ['/etc/subuid', '/etc/subgid'].every((file) => lines(file).some(([name]) => name === USER))
  return line && maps ? { uid: Number(line[2]), gid: Number(line[3]) } : undefined
}

function lines(path: string): string[][] {
  return existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .map((line) => line.split(':'))
    : []
}
