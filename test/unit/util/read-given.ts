// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawn } from 'node:child_process'
import { createWriteStream, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { GivenFiles } from '../../../src/commands/cli/given-files.js'
import { readGiven, readGivenNow, UnreadableError } from '../../../src/util/read-given.js'
import { CLI } from '../../helpers/cli.js'
import { temporary } from '../../helpers/temporary.js'

function pipe(t: ExecutionContext): string {
  const path = join(temporary(t), 'pipe')
  execFileSync('mkfifo', [path])
  return path
}

test('a file is read to its end, whatever its size', async (t) => {
  const path = join(temporary(t, { file: 'x'.repeat(300_000) }), 'file')
  t.is((await readGiven(path, { maxBytes: 10 })).length, 300_000)
  t.is(readGivenNow(path).length, 300_000)
})

test('a pipe is read until its writer closes it, also one that comes late', async (t) => {
  const path = pipe(t)
  const found = readGiven(path, { writerMs: 60_000 })
  createWriteStream(path).end('x'.repeat(300_000))
  t.is((await found).length, 300_000)
})

test('a pipe that nobody writes to is refused', async (t) => {
  const path = pipe(t)
  const error = await t.throwsAsync(readGiven(path, { writerMs: 10 }), { instanceOf: UnreadableError })
  t.regex(error?.message ?? '', /nobody writes/)
})

test('what does not end is refused', async (t) => {
  await t.throwsAsync(readGiven('/dev/zero', { maxBytes: 1000 }), { instanceOf: UnreadableError })
})

test('what is empty is empty', async (t) => {
  t.is((await readGiven('/dev/null')).length, 0)
  t.is(readGivenNow('/dev/null').length, 0)
})

test('a pipe that is asked for twice has the same content twice, a file what it has by then', async (t) => {
  const files = new GivenFiles()
  const path = pipe(t)
  const first = files.read(path)
  createWriteStream(path).end('content')
  t.is((await first).toString(), 'content')
  t.is((await files.read(path)).toString(), 'content')
  const file = join(temporary(t, { file: 'old' }), 'file')
  t.is((await files.read(file)).toString(), 'old')
  writeFileSync(file, 'new')
  t.is((await files.read(file)).toString(), 'new')
})

for (const words of [
  ['bake', 'app', '--train', 'none', '--trace-in', 'PIPE'],
  ['bake', 'app', '--train-env-file', 'PIPE'],
  ['bake', '--config', 'PIPE'],
  ['trace', 'diff', 'PIPE', 'PIPE'],
  ['inspect', 'PIPE'],
  ['generate', 'PIPE'],
]) {
  test(`${words.join(' ')}: a pipe that nobody writes to can be interrupted`, async (t) => {
    const path = pipe(t)
    const child = spawn(process.execPath, [CLI, ...words.map((word) => (word === 'PIPE' ? path : word))])
    const ended = new Promise((resolve) => child.once('exit', resolve))
    // A writer gets its end when the program has opened the other one, which is when it can be interrupted.
    const writer = spawn('sh', ['-c', `exec 3>"$0"; echo; exec cat`, path])
    t.teardown(() => writer.kill('SIGKILL'))
    await new Promise((resolve) => writer.stdout.once('data', resolve))
    child.kill('SIGINT')
    t.is(await ended, 130)
  })
}
