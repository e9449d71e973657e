// SPDX-License-Identifier: Apache-2.0
// A run that is killed at any moment: the next one succeeds, and removes what the first has left. No other test may
// bake meanwhile, since it would remove that.
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { bakes, CLI, untilSaid } from '../../helpers/cli.js'
import { hasImage, imageName } from '../../helpers/engine.js'
import { ensureImage } from '../../helpers/images.js'
import { leftHere, leftInEngine, pendingImages } from '../../helpers/leftovers.js'
import { run } from '../../helpers/run.js'
import { temporary } from '../../helpers/temporary.js'

const DEADLINE_MS = 4 * 60_000
const SLEEP = ['--', 'python3', '-c', 'import json, time; time.sleep(1)']

const image = await ensureImage('small')
const withImage = image === undefined ? test.serial.skip : test.serial

/** Kills a bake as soon as it has something of the wanted kind. */
async function killWhen(
  t: ExecutionContext,
  args: readonly string[],
  reached: (pids: ReadonlySet<number>, child: ChildProcess) => Promise<boolean>,
): Promise<ReadonlySet<number>> {
  const child = spawn(process.execPath, [CLI, 'bake', ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  const pids = new Set([child.pid ?? 0])
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const end = Date.now() + DEADLINE_MS
  while (!(await reached(pids, child))) {
    if (Date.now() > end || child.exitCode !== null) throw new Error('the moment to kill it did not come')
  }
  child.kill('SIGKILL')
  await ended
  // What it started may outlive it, and has this pipe, too.
  child.stderr?.destroy()
  return pids
}

for (const [moment, reached] of [
  ['while the image is trained', async (pids) => (await leftInEngine(pids)).length > 0],
  ['while the new image has no name yet', async (pids) => (await pendingImages(pids)).length > 0],
] satisfies [string, (pids: ReadonlySet<number>) => Promise<boolean>][]) {
  withImage(`killed ${moment}, a second run succeeds and nothing of the first is left`, async (t) => {
    t.timeout(DEADLINE_MS)
    const name = imageName(t)
    // Another layer than that of the second run, so that its image is not simply found again.
    const pids = await killWhen(t, [image ?? '', '-t', name, '--validate', 'hash', ...SLEEP], reached)
    t.not((await leftInEngine(pids)).length, 0, 'it was killed too late or too early')
    t.false(await hasImage(name))
    await bakes(t, [image ?? '', '-t', name, ...SLEEP])
    t.deepEqual(await leftInEngine(pids), [])
    t.true(await hasImage(name))
  })
}

withImage(
  'killed without an engine, a second run removes what is unpacked and what still runs',
  async (t) => {
    t.timeout(DEADLINE_MS)
    const directory = temporary(t)
    const archive = `docker-archive:${join(directory, 'image.tar')}`
    t.is((await run('docker', ['save', '-o', join(directory, 'image.tar'), image ?? ''])).code, 0)
    const loop = [
      '--',
      'python3',
      '-c',
      'import time\nprint("running", flush=True)\nwhile True: time.sleep(0.1)',
    ]
    const options = ['--progress', 'plain', '--app-output', 'show', '--ready', 'exit', ...loop]
    const pids = await killWhen(t, [archive, ...options], (_, child) => untilSaid(child, 'running'))
    t.not(leftHere(pids).length, 0)
    await bakes(t, [archive, '-o', `docker-archive:${join(directory, 'out.tar')}`])
    t.deepEqual(leftHere(pids), [])
  },
)
