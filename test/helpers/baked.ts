// SPDX-License-Identifier: Apache-2.0
// Bakes that several test files look at: each is made once, by whoever asks first, and made anew when what is shipped
// has changed. A test that is about baking itself has one baked anew.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { BakeResult } from '../../src/usecases/result.js'
import { bakes, CLI } from './cli.js'
import { docker, imageName } from './engine.js'
import { ROOT } from './repository.js'
import { run } from './run.js'

const REPOSITORY = 'pycds-test-baked'
const RESULTS = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'pycds-image/baked')
/** Under a lock, since other files ask at the same time; the image may have been removed by hand. */
const MAKE = `result=$1 name=$2; shift 2
docker image inspect "$name" >/dev/null 2>&1 && [ -s "$result" ] && exit 0
"$@" >"$result.part" && mv "$result.part" "$result"`

export interface Baked {
  readonly name: string
  readonly result: BakeResult
}

/** An image of the engine, baked with these options; nobody may change or remove it. */
export async function baked(image: string, ...options: string[]): Promise<Baked> {
  const id = await docker('image', 'inspect', '--format', '{{.Id}}', image)
  const key = digestOf(id, shipped(), ...options)
  const name = `${REPOSITORY}:${key}`
  const result = join(RESULTS, key)
  mkdirSync(RESULTS, { recursive: true })
  const bake = [process.execPath, CLI, 'bake', image, '-t', name, '--json', '--measure', '0', ...options]
  const words = [`${result}.lock`, 'sh', '-c', MAKE, 'sh', result, name, ...bake]
  const { code, stderr } = await run('flock', words)
  if (code !== 0) throw new Error(`${image} cannot be baked: ${stderr}`)
  return { name, result: JSON.parse(readFileSync(result, 'utf8')) as BakeResult }
}

/** An image of the engine, baked for this test alone under a name that goes away with it. */
export async function bakedAnew(t: ExecutionContext, image: string, ...options: string[]): Promise<Baked> {
  const name = imageName(t)
  return { name, result: await bakes(t, [image, '-t', name, ...options]) }
}

/** What the command line is made of. */
function shipped(): string {
  return ['dist', 'prebuilds']
    .flatMap((directory) =>
      readdirSync(join(ROOT, directory), { recursive: true, encoding: 'utf8' })
        .sort()
        .map((name) => {
          const { size, mtimeMs } = statSync(join(ROOT, directory, name))
          return `${name} ${size} ${mtimeMs}`
        }),
    )
    .join('\n')
}

function digestOf(...parts: string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 24)
}
