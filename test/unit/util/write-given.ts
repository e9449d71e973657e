// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readFileSync, writeFileSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { UnwritableError, writeGiven } from '../../../src/util/write-given.js'
import { pycds } from '../../helpers/cli.js'
import { run } from '../../helpers/run.js'
import { temporary } from '../../helpers/temporary.js'

const mounts = (await run('unshare', ['--mount', 'true'])).code === 0
const withMounts = mounts ? test : test.skip

/** More than a pipe holds. */
const LONG = 'x'.repeat(300_000)

const TRACE = {
  schema: 'io.pycds.trace/1',
  images: [{ id: 'sha256:a', platform: 'linux/amd64' }],
  python: { version: '3.11.2', cacheTag: 'cpython-311', executable: '/usr/bin/python3', optimize: 0 },
  ...{ siteDirectories: [], modules: [], regexes: [], sources: [], files: [], leftOut: [] },
}

function pipe(t: ExecutionContext): string {
  const path = join(temporary(t), 'pipe')
  execFileSync('mkfifo', [path])
  return path
}

test('a file is made, and written anew', async (t) => {
  const path = join(temporary(t), 'file')
  await writeGiven(path, LONG)
  await writeGiven(path, 'short')
  t.is(readFileSync(path, 'utf8'), 'short')
})

test('a pipe is written to its end, also when its reader comes late and reads slowly', async (t) => {
  const path = pipe(t)
  const written = writeGiven(path, LONG, { readerMs: 60_000 })
  const reader = await open(path, constants.O_RDONLY)
  const { bytesRead } = await reader.read(Buffer.alloc(10))
  t.is(bytesRead + (await reader.readFile()).length, LONG.length)
  await written
  await reader.close()
})

test('a reader that has read enough is no failure', async (t) => {
  const path = pipe(t)
  const written = writeGiven(path, LONG, { readerMs: 60_000 })
  await (await open(path, constants.O_RDONLY)).close()
  await t.notThrowsAsync(written)
})

test('a pipe that nobody reads is refused', async (t) => {
  const error = await t.throwsAsync(writeGiven(pipe(t), 'x', { readerMs: 30 }), {
    instanceOf: UnwritableError,
  })
  t.regex(error?.message ?? '', /nobody reads/)
})

test('whoever waits for a reader, or for a slow one, can be interrupted', async (t) => {
  const reason = new Error('enough')
  const waiting = new AbortController()
  const written = writeGiven(pipe(t), 'x', { readerMs: 60_000, signal: waiting.signal })
  waiting.abort(reason)
  await t.throwsAsync(written, { name: 'AbortError' })

  const path = pipe(t)
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const slow = new AbortController()
  const stuck = writeGiven(path, LONG, { signal: slow.signal })
  slow.abort(reason)
  await t.throwsAsync(stuck, { name: 'AbortError' })
  closeSync(reader)
})

withMounts('a full disk is told as one, and nothing of a new file is left', async (t) => {
  const directory = temporary(t)
  const leftOut = Array.from({ length: 500 }, (_, at) => ({
    name: `module${at}`,
    reason: 'it is another one',
  }))
  const file = join(temporary(t), 'trace.json')
  writeFileSync(file, JSON.stringify({ ...TRACE, leftOut }))
  const script = `mount -t tmpfs -o size=4k none ${directory} && { "$@"; code=$?; ls ${directory}; exit $code; }`
  const machine = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh']
  const words = ['trace', 'merge', file, file, '-o', join(directory, 'all.json')]
  const { code, stdout, stderr } = await pycds(words, { machine })
  t.is(code, 6, stderr)
  t.regex(stderr, /--output .*: no space is left/)
  t.is(stdout, '')
})

test('what cannot be opened is told as the system tells it', async (t) => {
  await t.throwsAsync(writeGiven(join(temporary(t), 'none/file'), 'x'), { code: 'ENOENT' })
})

test('trace merge -o: a pipe gets the trace, and one that nobody reads a reason', async (t) => {
  const file = join(temporary(t), 'trace.json')
  writeFileSync(file, JSON.stringify(TRACE))
  const path = pipe(t)
  const words = ['trace', 'merge', file, file, '-o', path]
  const [{ code, stderr }, text] = await Promise.all([pycds(words), readFile(path, 'utf8')])
  t.is(code, 0, stderr)
  t.is(JSON.parse(text).schema, TRACE.schema)
  const unread = await pycds(words)
  t.is(unread.code, 2, unread.stderr)
  t.regex(unread.stderr, /--output .*: it is a pipe that nobody reads/)
})
