// SPDX-License-Identifier: Apache-2.0
// SIGINT and SIGTERM at the beginning of each stage of a bake: it ends, and leaves nothing, or it was done already.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { pycds, signalWhenSaid } from '../helpers/cli.js'
import { docker, hasImage, imageName } from '../helpers/engine.js'
import { ensureImage } from '../helpers/images.js'
import { leftInEngine } from '../helpers/leftovers.js'
import { DEADLINE_MS } from '../helpers/run.js'
import { temporary } from '../helpers/temporary.js'
import { TIER } from '../helpers/tier.js'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const
const POLL_MS = 50
/** Stages that a bake spends its time in. */
const LONG = ['train', 'archive']

const image = TIER === 'all' ? await ensureImage('minimal') : undefined
const withImage = image === undefined ? test.serial.skip : test.serial

interface Ended {
  code: number | null
  said: string
  /** What there is of the new image. */
  made: string[]
}

/** Bakes, from an engine or an archive of it, to a name of the engine or a file. */
type Way = (t: ExecutionContext, interruption?: Interruption) => Promise<Ended>

interface Interruption {
  stage: string
  signal: NodeJS.Signals
}

function way(source: (directory: string) => Promise<string>, output?: string): Way {
  return async (t, interruption) => {
    const [name, place, directory] = [imageName(t), temporary(t), temporary(t)]
    const to = output === undefined ? ['-t', name] : ['-o', `${output}:${join(directory, 'out')}`]
    // Not the image that the engine has from an earlier bake.
    const options = ['--progress', 'plain', '--measure', '0', '--train-env', `NAME=${name}`]
    const { code, stdout, stderr } = await pycds(['bake', await source(temporary(t)), ...to, ...options], {
      env: { TMPDIR: place },
      ...(interruption && {
        onStart: signalWhenSaid(`[${interruption.stage}] `, interruption.signal),
      }),
    })
    // What is large is removed by a process that nobody waits for: the deadline is the test's own.
    while (readdirSync(place).length > 0 || (await leftInEngine()).length > 0) await setTimeout(POLL_MS)
    return {
      code,
      said: stdout + stderr,
      made: [...readdirSync(directory), ...((await hasImage(name)) ? [name] : [])],
    }
  }
}

const fromEngine = async () => image ?? ''
const fromArchive = async (directory: string) => {
  const path = join(directory, 'image.tar')
  await docker('save', '-o', path, image ?? '')
  return `docker-archive:${path}`
}

const WAYS: readonly [title: string, way: Way][] = [
  ['from the engine to the engine', way(fromEngine)],
  ['from the engine to a layout', way(fromEngine, 'oci')],
  ['from an archive to an archive', way(fromArchive, 'docker-archive')],
]

for (const [title, bake] of WAYS) {
  withImage(`${title}: interrupted at any stage, a bake leaves nothing`, async (t) => {
    t.timeout(4 * DEADLINE_MS)
    const whole = await bake(t)
    t.is(whole.code, 0, whole.said)
    t.is(whole.made.length, 1)
    const stages = new Set([...whole.said.matchAll(/^\[(\w+)\] /gm)].map(([, stage = '']) => stage))
    for (const stage of LONG) t.true(stages.has(stage), whole.said)
    for (const stage of stages) {
      for (const signal of SIGNALS) {
        const { code, said, made } = await bake(t, { stage, signal })
        const what = `${signal} at ${stage}: ${said}`
        // The last of them may be over before it is heard.
        if (code === 0 && !LONG.includes(stage)) t.is(made.length, 1, what)
        else {
          t.is(code, 130, what)
          t.deepEqual(made, [], what)
        }
      }
    }
  })
}
