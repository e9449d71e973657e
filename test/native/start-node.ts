// SPDX-License-Identifier: Apache-2.0
// The launcher of the tool image as the first process of a container, to which the kernel gives no signal that it has not
// asked for. What stands in for Node asks for none either.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { untilSaid } from '../helpers/cli.js'
import { inRepository } from '../helpers/repository.js'
import { temporary } from '../helpers/temporary.js'

const AS_FIRST = ['--user', '--map-root-user', '--pid', '--fork', '--kill-child', '--mount-proc']
const DEADLINE_MS = 20_000

/** Says that it is there, and waits; or ends with the number that it was given. */
const STAND_IN = `#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int count, char **words) {
  fputs("waiting\\n", stderr);
  if (count > 6) return atoi(words[count - 1]);
  for (;;) pause();
}
`

const possible =
  spawnSync('unshare', [...AS_FIRST, 'true']).status === 0 && spawnSync('cc', ['--version']).status === 0
if (!possible) process.stderr.write('skipped for want of namespaces or cc: the launcher is not tried\n')
const here = possible ? test : test.skip

function start(t: ExecutionContext, ...words: string[]): ChildProcess {
  const directory = temporary(t, { 'stand-in.c': STAND_IN })
  mkdirSync(join(directory, 'lib'))
  const compile = (to: string, from: string) =>
    execFileSync('cc', ['-static', '-o', join(directory, to), from], { stdio: 'ignore' })
  compile('pycds-image', inRepository('native/static/start_node.c'))
  compile('lib/ld.so', join(directory, 'stand-in.c'))
  const child = spawn('unshare', [...AS_FIRST, join(directory, 'pycds-image'), ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

/** Gives its exit code. */
const ended = (child: ChildProcess) =>
  new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  here(`${signal} before Node has asked for it ends the first process with 130`, async (t) => {
    t.timeout(DEADLINE_MS)
    const child = start(t)
    t.true(await untilSaid(child, 'waiting'))
    const [first] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ')
    const end = ended(child)
    process.kill(Number(first), signal)
    t.is(await end, 130)
  })
}

here('the exit code of Node is that of the first process', async (t) => {
  t.timeout(DEADLINE_MS)
  t.is(await ended(start(t, '7')), 7)
})
