// SPDX-License-Identifier: Apache-2.0
// Builds with one frontend line on engines beside the one at hand: buildx for an engine, buildctl for a buildkitd.
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { imageName } from './engine.js'
import { archivedImage } from './oci-archive.js'
import { run } from './run.js'
import type { SideBuilder } from './side-builds.js'
import type { SideEngine } from './side-engine.js'
import { temporary } from './temporary.js'

/** What a build is asked for; `context` is a directory, `args` are build arguments. */
export interface BuildRequest {
  readonly context: string
  readonly dockerfile: string
  readonly args: Readonly<Record<string, string>>
  readonly cache?: boolean
}

export interface Built {
  /** Where `pycds-image` finds it, and with which environment. */
  readonly image: string
  readonly env: Record<string, string>
  readonly diffIds: readonly string[]
  readonly config: Readonly<Record<string, unknown>> & {
    Env?: string[] | null
    Labels?: Record<string, string> | null
  }
  readonly output: string
}

export type Build = (t: ExecutionContext, request: BuildRequest) => Promise<Built>

/** Builds in an engine, and leaves the image there until the test is over. */
export function buildxOn(builder: SideBuilder): Build {
  const { env } = builder
  return async (t, request) => {
    const image = imageName(t, env)
    const values = Object.entries(request.args).map(([name, value]) => `--build-arg=${name}=${value}`)
    const cache = request.cache === false ? ['--no-cache'] : []
    const options = ['--load', '--tag', image, ...values, ...cache]
    const output = await builder.builds(t, request.dockerfile, options, request.context)
    const { stdout } = await run('docker', ['image', 'inspect', image], { env })
    const [found] = JSON.parse(stdout) as [{ RootFS: { Layers: string[] }; Config: Built['config'] }]
    return { image, env, diffIds: found.RootFS.Layers, config: found.Config, output }
  }
}

/** Builds without an engine, into a file. */
export function buildctlOn(engine: SideEngine, program: string): Build {
  return async (t, { context, dockerfile, args, cache }) => {
    const file = join(temporary(t), 'image.tar')
    const output = await buildctl(t, engine, program, { context, dockerfile }, [
      ...Object.entries(args).map(([name, value]) => `--opt=build-arg:${name}=${value}`),
      ...(cache === false ? ['--no-cache'] : []),
      `--output=type=oci,dest=${file}`,
    ])
    const { diffIds, config } = await archivedImage(file)
    return { image: `oci-archive:${file}`, env: {}, diffIds, config, output }
  }
}

/** Builds without an engine, with any options; what the build says. */
export async function buildctl(
  t: ExecutionContext,
  engine: SideEngine,
  program: string,
  { context, dockerfile }: Pick<BuildRequest, 'context' | 'dockerfile'>,
  options: readonly string[],
): Promise<string> {
  const folder = temporary(t, { Dockerfile: dockerfile })
  const { code, stderr } = await run(program, [
    ...[`--addr=${engine.address}`, 'build', '--progress=plain'],
    ...['--frontend=dockerfile.v0', '--opt=force-network-mode=none'],
    ...[`--local=context=${context}`, `--local=dockerfile=${folder}`, ...options],
  ])
  if (code !== 0) throw new Error(`the build failed: ${stderr}`)
  return stderr
}

/** buildx with a builder of its own that is a buildkitd elsewhere, as in a cluster. */
export class RemoteBuilder {
  readonly #program: string
  readonly #env: NodeJS.ProcessEnv

  private constructor(program: string, env: NodeJS.ProcessEnv) {
    this.#program = program
    this.#env = env
  }

  /** What buildx keeps of it goes with the test. */
  static async create(t: ExecutionContext, engine: SideEngine, program: string): Promise<RemoteBuilder> {
    const builder = new RemoteBuilder(program, { BUILDX_CONFIG: temporary(t) })
    await builder.#run(['create', '--name=farm', '--driver=remote', engine.address])
    return builder
  }

  /** Builds without any context, and pushes the result from there. */
  async pushes(dockerfile: string, name: string): Promise<void> {
    const options = ['--builder=farm', '--progress=plain', '--network=none', '--push', '--tag', name]
    await this.#run(['build', ...options, '-'], dockerfile)
  }

  async #run(args: readonly string[], input?: string): Promise<void> {
    const { code, stderr } = await run(this.#program, args, {
      env: this.#env,
      ...(input === undefined ? {} : { input }),
    })
    if (code !== 0) throw new Error(`docker-buildx ${args[0]} failed: ${stderr}`)
  }
}
