// SPDX-License-Identifier: Apache-2.0
// A container of an image in which its interpreter is started again and again, beside a process that only waits: the
// interpreters that are frozen must not be process 1. It has no network, and nothing but the image's own environment.
import { PycdsError } from '../../errors/index.js'
import type { Container, ContainerSpec, Engine, ExecResult, LayerFile } from '../../ports/index.js'

const FOLDER = '/.pycds-freeze'
const OWNER = { uid: 0, gid: 0, mtime: new Date(0) }
/** Neither site nor the environment takes part. */
const ALONE = ['-I', '-S', '-B']
const WAIT = 'import signal\nsignal.pause()'
const APPEND = 'import sys\nwith open(sys.argv[1], "a") as file: file.write(sys.argv[2])'
/** Linux takes no word of 128 KiB or more. */
const WORD_LENGTH = 30_000
/** Of an interpreter that does nothing but start; in a machine that does much else. */
const START_MS = 60_000
const MINUTE_MS = 60_000
/** Engines say so of what has no exit code. */
const LATE = /^it did not end within /

export interface RoomSpec {
  image: string
  /** Absolute path of the interpreter. */
  python: string
  /** Files for all users to read, by name. */
  files: Readonly<Record<string, Buffer>>
  /** Where they lie, if not in a directory of the root. */
  folder?: string
  /** Files of the image to be, by absolute path. */
  present?: readonly (LayerFile & { mtime: Date })[]
  /** As whom; absent: as the image says. */
  rights?: Pick<ContainerSpec, 'user' | 'readOnly' | 'dropCapabilities' | 'noNewPrivileges'>
  signal: AbortSignal
}

export class Room {
  readonly #container: Container
  readonly #spec: RoomSpec

  private constructor(container: Container, spec: RoomSpec) {
    this.#container = container
    this.#spec = spec
  }

  /** Lends a room; it is gone afterwards. */
  static async with<T>(engine: Engine, spec: RoomSpec, use: (room: Room) => Promise<T>): Promise<T> {
    const root = (spec.folder ?? FOLDER).slice(1)
    const container = await engine.create({
      image: spec.image,
      command: [spec.python, ...ALONE, '-c', WAIT],
      env: {},
      plainEnvironment: true,
      network: 'none',
      ...spec.rights,
      files: [
        { ...OWNER, name: root, type: 'directory', mode: 0o755 },
        { ...OWNER, name: `${root}/out`, type: 'directory', mode: 0o1777 },
        ...Object.entries(spec.files).map(
          ([name, body]) => ({ ...OWNER, name: `${root}/${name}`, type: 'file', mode: 0o555, body }) as const,
        ),
        ...(spec.present ?? []).map(
          ({ path, mode, body, mtime }) =>
            ({ ...OWNER, name: path.slice(1), type: 'file', mode, body, mtime }) as const,
        ),
      ],
    })
    try {
      await container.start()
      return await use(new Room(container, spec))
    } finally {
      await engine.remove(container)
    }
  }

  /** The path of a file of the specification. */
  path(name: string): string {
    return `${this.#spec.folder ?? FOLDER}/${name}`
  }

  /** The path of a file that programs write. */
  out(name: string): string {
    return this.path(`out/${name}`)
  }

  /** Starts the interpreter as the image would, and waits for its end. */
  async run(
    words: readonly string[],
    env: Readonly<Record<string, string>>,
    timeoutMs: number,
  ): Promise<ExecResult> {
    this.#spec.signal.throwIfAborted()
    const result = await this.#unlessAborted(
      this.#container.exec({ command: [this.#spec.python, ...words], env, timeoutMs }),
    )
    this.#spec.signal.throwIfAborted()
    return result
  }

  /** Who wants no more does not wait for what still runs: it ends with the room. */
  async #unlessAborted<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.#spec
    let stop = () => {}
    const aborted = new Promise<never>((_, reject) => {
      stop = () => reject(signal.reason)
    })
    signal.addEventListener('abort', stop, { once: true })
    work.catch(() => undefined) // it fails when the room is gone, and then nobody waits for it
    try {
      return await Promise.race([work, aborted])
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  /** Starts it alone, to run a program of ours; returns what that writes. */
  async ask(program: string, ...words: string[]): Promise<string> {
    const { exitCode, output } = await this.run([...ALONE, '-c', program, ...words], {}, START_MS)
    if (exitCode === 0) return output
    throw new PycdsError('TRAINING_FAILED', {
      message: `${this.#spec.python} cannot be started in a container of the new image: ${lastLine(output)}`,
      hint: 'Bake without --snapshot.',
    })
  }

  /** Writes a file of its own. */
  async write(name: string, text: string): Promise<void> {
    for (let at = 0; at < text.length; at += WORD_LENGTH)
      await this.ask(APPEND, this.out(name), text.slice(at, at + WORD_LENGTH))
  }

  read(name: string): Promise<Buffer | undefined> {
    return this.#container.readFile(this.out(name))
  }
}

/** How the interpreter ended, of which the sentence says what it was to do. */
export function describeEnd({ exitCode, output }: ExecResult, timeoutMs: number): string {
  if (exitCode !== null) return `ended with exit code ${exitCode}: ${lastLine(output)}`
  if (!LATE.test(output)) return `did not end by itself: ${lastLine(output)}`
  const minutes = Math.ceil((2 * timeoutMs) / MINUTE_MS)
  return `did not end within ${timeoutMs / 1000} s: give it more time (--timeout ${minutes}m), or use a quieter machine`
}

/** The line that says most of a failure. */
export function lastLine(output: string): string {
  return output.trim().split('\n').at(-1)?.trim() || 'it said nothing'
}
