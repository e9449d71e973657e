// SPDX-License-Identifier: Apache-2.0
// What runs in namespaces of its own goes when the runner goes, and its output has an end.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { cannotConfine, runConfined } from '../../../conformance/sandbox.js'
import { unless } from '../../helpers/skipped.js'
import { temporary } from '../../helpers/temporary.js'

type Body = (t: ExecutionContext) => void | Promise<void>

const scratch: (() => void)[] = []
const reason = await cannotConfine(join(temporary({ teardown: (undo) => scratch.push(undo) }), 'output'))
test.after.always(() => {
  for (const undo of scratch) undo()
})
const confined = unless(reason, (title: string, run: Body) => test(title, run))

const PLACE = { cwd: '/', env: { PATH: process.env.PATH ?? '' }, covers: {}, limitSeconds: 60 }
const MODULE = new URL('../../../conformance/sandbox.js', import.meta.url).href

confined('nothing goes on of what a runner has started that was killed', async (t) => {
  const directory = temporary(t)
  const pipe = join(directory, 'alive')
  const { spawnSync } = await import('node:child_process')
  t.is(spawnSync('mkfifo', [pipe]).status, 0)
  // Whoever reads the pipe comes to its end when all are gone that have it open.
  const command = { ...PLACE, argv: ['sh', '-c', `exec 3>${pipe}; echo on >&3; sleep 600 & sleep 600`] }
  const program = `
    const { runConfined } = await import(process.argv[1])
    await runConfined(JSON.parse(process.argv[2]))`
  const runner = spawn(process.execPath, [
    ...['--input-type=module', '-e', program, MODULE],
    JSON.stringify({ ...command, output: join(directory, 'output') }),
  ])
  const reader = spawn('cat', [pipe])
  t.teardown(() => reader.kill())
  await once(reader.stdout, 'data')
  const ended = once(reader, 'exit')
  runner.kill('SIGKILL')
  const late = new Promise<string>((resolve) => setTimeout(resolve, 20_000, 'they go on').unref())
  t.deepEqual(await Promise.race([ended, late]), [0, null])
})

confined('of an output without end both ends are kept', async (t) => {
  const output = join(temporary(t), 'output')
  const megabytes = 'head -c 30000000 /dev/zero | tr "\\0" x'
  const ended = await runConfined({
    ...{ ...PLACE, output },
    argv: ['sh', '-c', `echo begin; ${megabytes}; echo; echo end`],
  })
  t.is(ended.code, 0)
  t.regex(ended.output, /^begin\nx+\n\[\d+ bytes left out\]\nx+\nend\n$/)
  t.true(ended.output.length < 3_000_000)
  const short = await runConfined({ ...PLACE, output, argv: ['echo', 'all of it'] })
  t.is(short.output, 'all of it\n')
  t.is(readFileSync(output, 'utf8'), 'all of it\n')
})

test.serial('where the programs are missing that make namespaces, that is a reason', async (t) => {
  const { PATH } = process.env
  t.teardown(() => {
    process.env.PATH = PATH
  })
  const directory = temporary(t)
  process.env.PATH = directory
  t.regex((await cannotConfine(join(directory, 'output'))) ?? '', /no namespaces can be made \(.*ENOENT/)
})
