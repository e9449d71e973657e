// SPDX-License-Identifier: Apache-2.0
// Images built from a Dockerfile in a test, with either builder of the engine, and what their last layer holds.
import { readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { ExecutionContext } from 'ava'
import { readTar } from '../../src/tar/index.js'
import { docker, imageName } from './engine.js'
import { type Outcome, run } from './run.js'
import { temporary } from './temporary.js'

const GZIP = Buffer.of(0x1f, 0x8b)
/** Clients from here on have BuildKit in a plugin. */
const PLUGIN_SINCE = 23

/** How builds are started. */
export interface BuildClient {
  readonly command: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly buildKit: boolean
}

/** The builder that engines had before BuildKit. */
export const CLASSIC: BuildClient = {
  command: ['docker', 'build'],
  env: { DOCKER_BUILDKIT: '0' },
  buildKit: false,
}

/** A client that can build with the engine's BuildKit; undefined when this machine has none. */
export async function buildKitClient(): Promise<BuildClient | undefined> {
  if ((await run('docker', ['version'])).code !== 0) return undefined
  // A builder of another driver does not see the engine's images.
  const env = { BUILDX_BUILDER: 'default' }
  if ((await run('docker', ['buildx', 'inspect'], { env })).code === 0) {
    return { command: ['docker', 'buildx', 'build'], env, buildKit: true }
  }
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const program = join(directory, 'docker')
    const { code, stdout } = await run(program, ['version', '--format', '{{.Client.Version}}'])
    if (code === 0 && Number.parseInt(stdout, 10) < PLUGIN_SINCE) {
      return { command: [program, 'build'], env: { DOCKER_BUILDKIT: '1' }, buildKit: true }
    }
  }
  return undefined
}

/** Builds without a network and without a context; the image is removed with the test. */
export async function build(
  t: ExecutionContext,
  client: BuildClient,
  dockerfile: string,
  ...options: string[]
): Promise<Outcome & { name: string }> {
  const name = imageName(t)
  // A result of an earlier run of the tests would prove nothing.
  const plain = client.buildKit ? ['--progress=plain', '--no-cache'] : []
  const [program = '', ...words] = client.command
  const args = [...words, '--network=none', '--tag', name, ...plain, ...options, '-']
  return { name, ...(await run(program, args, { env: client.env, input: dockerfile })) }
}

/** The last layer of an image in the engine: `type mode uid:gid` by path. */
export async function lastLayer(t: ExecutionContext, image: string): Promise<Map<string, string>> {
  const file = join(temporary(t), 'image.tar')
  await docker('save', '--output', file, image)
  const files = new Map<string, Buffer>()
  await readTar(readFileSync(file), async (entry, body) => {
    if (entry.type === 'file') files.set(entry.name, await body())
  })
  const [manifest] = JSON.parse(files.get('manifest.json')?.toString() ?? '[]') as [{ Layers: string[] }]
  const stored = files.get(manifest.Layers.at(-1) ?? '') ?? Buffer.alloc(0)
  const layer = stored.subarray(0, 2).equals(GZIP) ? gunzipSync(stored) : stored
  const entries = new Map<string, string>()
  await readTar(layer, (entry) => {
    const mode = entry.mode.toString(8)
    entries.set(entry.name.replace(/\/$/, ''), `${entry.type} ${mode} ${entry.uid}:${entry.gid}`)
  })
  return entries
}
