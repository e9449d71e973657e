// SPDX-License-Identifier: Apache-2.0
// `docker build` with BuildKit, through whichever client can do that here, and the frontend's image for it.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'

const DEADLINE_MS = 10 * 60_000
const NOT_POSSIBLE = 77
export const FRONTEND = 'pycds-test/frontend:latest'

export interface Ran {
  code: number
  stdout: string
  stderr: string
}

interface Client {
  readonly command: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

/** What is needed for a build with the frontend; a reason where something is missing. */
export async function prepareBuilder(): Promise<Builder | string> {
  const client = await findClient()
  if (client === undefined) return 'no docker client that can use BuildKit (buildx, or one older than 23)'
  const script = fileURLToPath(new URL('../../scripts/frontend-image.sh', import.meta.url))
  const { code, stderr } = await run('bash', [script, FRONTEND], { PYCDS_NO_INSTALL: '1' })
  if (code === 0) return new Builder(client)
  const reason = stderr.trim().split('\n').at(-1) ?? ''
  if (code !== NOT_POSSIBLE) throw new Error(`frontend-image.sh ended with ${code}: ${stderr}`)
  return `the frontend's image cannot be made here: ${reason}`
}

export class Builder {
  readonly #client: Client

  constructor(client: Client) {
    this.#client = client
  }

  /** Builds a Dockerfile without a network; `context` are files beside it. */
  async build(
    t: ExecutionContext,
    dockerfile: string,
    options: { tag?: string; args?: readonly string[]; context?: Readonly<Record<string, string>> } = {},
  ): Promise<Ran> {
    const folder = temporary(t)
    const content = { Dockerfile: dockerfile, ...options.context }
    for (const [name, text] of Object.entries(content)) writeFileSync(join(folder, name), text)
    if (options.tag !== undefined) {
      const { tag } = options
      t.teardown(() => docker(['rmi', '-f', tag]))
    }
    const [program = '', ...rest] = this.#client.command
    const name = options.tag === undefined ? [] : ['--tag', options.tag]
    const args = [...rest, '--network=none', '--progress=plain', ...name, ...(options.args ?? []), folder]
    return run(program, args, this.#client.env)
  }
}

/** The Dockerfile with the one line above it. */
export function withFrontend(dockerfile: string): string {
  return `# syntax=${FRONTEND}\n${dockerfile}`
}

/** A directory that is gone after the test. */
export function temporary(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'pycds-test-build-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function docker(args: readonly string[]): Promise<Ran> {
  return run('docker', args, {})
}

async function findClient(): Promise<Client | undefined> {
  if ((await run('docker', ['version'], {})).code !== 0) return undefined
  // A builder of another driver does not see the engine's images.
  const env = { BUILDX_BUILDER: 'default' }
  if ((await run('docker', ['buildx', 'inspect'], env)).code === 0) {
    return { command: ['docker', 'buildx', 'build'], env }
  }
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const program = join(directory, 'docker')
    const { code, stdout } = await run(program, ['version', '--format', '{{.Client.Version}}'], {})
    // Until then BuildKit's client was a part of it.
    if (code === 0 && Number.parseInt(stdout, 10) < 23) {
      return { command: [program, 'build'], env: { DOCKER_BUILDKIT: '1' } }
    }
  }
  return undefined
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env }, timeout: DEADLINE_MS, maxBuffer: 2 ** 26 }
    execFile(program, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({ code, stdout, stderr })
    })
  })
}
