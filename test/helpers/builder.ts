// SPDX-License-Identifier: Apache-2.0
// `docker build` with BuildKit, through whichever client can do that here, and the frontend's image for it.
import type { ExecutionContext } from 'ava'
import { type BuildClient, buildKitClient } from './builds.js'
import { NOT_POSSIBLE, type Outcome, run, runScript } from './run.js'
import { temporary } from './temporary.js'

export const FRONTEND = 'pycds-test/frontend:latest'

/** What is needed for a build with the frontend; a reason where something is missing. */
export async function prepareBuilder(): Promise<Builder | string> {
  const client = await buildKitClient()
  if (client === undefined) return 'no docker client that can use BuildKit (buildx, or one older than 23)'
  const { code, stderr } = await runScript('frontend-image.sh', FRONTEND)
  if (code === 0) return new Builder(client)
  const reason = stderr.trim().split('\n').at(-1) ?? ''
  if (code !== NOT_POSSIBLE) throw new Error(`frontend-image.sh ended with ${code}: ${stderr}`)
  return `the frontend's image cannot be made here: ${reason}`
}

export class Builder {
  readonly #client: BuildClient

  constructor(client: BuildClient) {
    this.#client = client
  }

  /** Builds a Dockerfile without a network; `context` are files beside it. */
  async build(
    t: ExecutionContext,
    dockerfile: string,
    options: { tag?: string; args?: readonly string[]; context?: Readonly<Record<string, string>> } = {},
  ): Promise<Outcome> {
    const folder = temporary(t, { Dockerfile: dockerfile, ...options.context })
    if (options.tag !== undefined) {
      const { tag } = options
      t.teardown(() => run('docker', ['rmi', '-f', tag]).then(() => undefined))
    }
    const [program = '', ...rest] = this.#client.command
    const name = options.tag === undefined ? [] : ['--tag', options.tag]
    const args = [...rest, '--network=none', '--progress=plain', ...name, ...(options.args ?? []), folder]
    return run(program, args, { env: this.#client.env })
  }
}

/** The Dockerfile with the one line above it. */
export function withFrontend(dockerfile: string): string {
  return `# syntax=${FRONTEND}\n${dockerfile}`
}
