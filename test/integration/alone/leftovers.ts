// SPDX-License-Identifier: Apache-2.0
// A run that is killed at any moment: the next one succeeds, and removes what the first has left.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { run } from '../helpers/builds.js'
import { ensureImage } from '../helpers/images.js'

const CLI = fileURLToPath(new URL('../../dist/bin/run.js', import.meta.url))
const DEADLINE_MS = 60_000
const OWNER = 'io.pycds.owner'
const SLEEP = ['--', 'python3', '-c', 'import json, time; time.sleep(1)']

const bookworm = await ensureImage('bookworm')
const withImage = bookworm === undefined ? test.serial.skip : test.serial

/** Containers and names of images that a process has made, or all that have an owner. */
async function made(pid?: number): Promise<string[]> {
  const marks = `{{.Label "${OWNER}"}}`
  const containers = await run('docker', ['ps', '--all', '--filter', `label=${OWNER}`, '--format', marks])
  const pending = ['images', 'localhost/pycds-image-pending', '--format', '{{.Tag}}']
  const images = await run('docker', pending)
  const all = `${containers.stdout}${images.stdout}`.split('\n').filter((mark) => mark !== '')
  return pid === undefined ? all : all.filter((mark) => mark.split('-')[1] === String(pid))
}

/** Kills a bake as soon as the engine has something of the wanted kind. */
async function killWhen(
  t: ExecutionContext,
  args: readonly string[],
  reached: (pid: number) => Promise<boolean>,
) {
  const child = spawn(process.execPath, [CLI, 'bake', ...args, ...SLEEP], { stdio: 'ignore' })
  t.teardown(() => child.kill('SIGKILL'))
  const pid = child.pid ?? 0
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const end = Date.now() + DEADLINE_MS
  while (!(await reached(pid))) {
    if (Date.now() > end || child.exitCode !== null) throw new Error('the moment to kill it did not come')
  }
  child.kill('SIGKILL')
  await ended
  return pid
}

for (const [moment, reached] of [
  ['while the image is trained', async (pid: number) => (await made(pid)).length > 0],
  [
    'while the new image has no name yet',
    async (pid: number) => {
      const { stdout } = await run('docker', [
        'images',
        'localhost/pycds-image-pending',
        '--format',
        '{{.Tag}}',
      ])
      return stdout.includes(`-${pid}-`)
    },
  ],
] as const) {
  withImage(`killed ${moment}, a second run succeeds and nothing of the first is left`, async (t) => {
    const name = `pycds-test-killed:${process.pid}`
    t.teardown(() => run('docker', ['image', 'rm', '--force', name]).then(() => undefined))
    // Another layer than that of the second run, so that its image is not simply found again.
    const pid = await killWhen(t, [bookworm ?? '', '-t', name, '--validate', 'hash'], reached)
    t.not((await made(pid)).length, 0, 'it was killed too late or too early')
    t.not((await run('docker', ['image', 'inspect', name])).code, 0)
    const second = ['bake', bookworm ?? '', '-t', name, '--measure', '0', ...SLEEP]
    const { code, stderr } = await run(process.execPath, [CLI, ...second])
    t.is(code, 0, stderr)
    t.deepEqual(await made(pid), [])
    t.is((await run('docker', ['image', 'inspect', name])).code, 0)
  })
}
