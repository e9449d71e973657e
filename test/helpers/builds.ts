// SPDX-License-Identifier: Apache-2.0
// Images built from a Dockerfile in a test, with either builder, and what their last layer holds.
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { ExecutionContext } from 'ava'
import { readTar } from '../../src/tar/index.js'

const DEADLINE_MS = 5 * 60_000
const GZIP = Buffer.of(0x1f, 0x8b)
/** Clients from here on have BuildKit in a plugin. */
const PLUGIN_SINCE = 23

export interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs a program to its end; `input` is its standard input. */
export function run(
  file: string,
  args: readonly string[],
  o: { env?: Record<string, string>; input?: string } = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...o.env }, timeout: DEADLINE_MS, maxBuffer: 2 ** 28 }
    const child = execFile(file, args, options, (error, stdout, stderr) => {
      resolve({ code: error ? (typeof error.code === 'number' ? error.code : null) : 0, stdout, stderr })
    })
    child.stdin?.on('error', () => {}) // it did not want to read
    child.stdin?.end(o.input ?? '')
  })
}

/** A client that can build with BuildKit; undefined when this machine has none. */
export async function buildKitClient(): Promise<string | undefined> {
  if ((await run('docker', ['buildx', 'version'])).code === 0) return 'docker'
  for (const client of ['docker', '/usr/bin/docker']) {
    const { code, stdout } = await run(client, ['version', '--format', '{{.Client.Version}}'])
    if (code === 0 && Number.parseInt(stdout, 10) < PLUGIN_SINCE) return client
  }
  return undefined
}

let names = 0

/** Builds with one of the two builders, without a network and without a context; the image is removed with the test. */
export async function build(
  t: ExecutionContext,
  builder: { client: string; buildKit: boolean },
  dockerfile: string,
  ...options: string[]
): Promise<Outcome & { name: string }> {
  names += 1
  const name = `pycds-test-build:${process.pid}-${names}`
  t.teardown(() => run('docker', ['image', 'rm', '--force', name]).then(() => undefined))
  // A result of an earlier run of the tests would prove nothing.
  const plain = builder.buildKit ? ['--progress=plain', '--no-cache'] : []
  const args = ['build', '--network=none', '--tag', name, ...plain, ...options, '-']
  const env = { DOCKER_BUILDKIT: builder.buildKit ? '1' : '0' }
  return { name, ...(await run(builder.client, args, { env, input: dockerfile })) }
}

/** The last layer of an image in the engine: `type mode uid:gid` by path. */
export async function lastLayer(t: ExecutionContext, image: string): Promise<Map<string, string>> {
  const directory = mkdtempSync(join(tmpdir(), 'pycds-test-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, 'image.tar')
  const saved = await run('docker', ['save', '--output', file, image])
  if (saved.code !== 0) throw new Error(saved.stderr)
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
