// SPDX-License-Identifier: Apache-2.0
// A test file whose process still holds something after its last test, such as the pipe of a program that has left a
// child behind, would keep the whole run waiting until it is called off. It ends, and says what it held. So would a
// program that goes on after it with the output that it was given: it is ended, and the file has failed. Where the run
// itself has ended, by a signal, the file does not go on alone. How long a file took, and how much processor time, is appended to the file that PYCDS_TEST_TIMES names.
import { appendFileSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { registerCompletionHandler } from 'ava'
import { ROOT } from './repository.js'

const PATIENCE_MS = 30_000
/** For a program that ends because a test has ended. */
const GRACE_MS = 3000
const POLL_MS = 20
/** USER_HZ, which is the same for every program of every Linux on the processors that are supported. */
const TICKS_PER_SECOND = 100

const { PYCDS_TEST_TIMES } = process.env
const run = process.ppid
/** Of the source; what runs is below build/. */
const file = relative(join(ROOT, 'build'), fileURLToPath(test.meta.file)).replace(/\.js$/, '.ts')

if (PYCDS_TEST_TIMES !== undefined) {
  process.once('exit', () => {
    // Counted from the start of the process.
    const seconds = performance.now() / 1000
    appendFileSync(PYCDS_TEST_TIMES, `${seconds.toFixed(1)} ${processorSeconds().toFixed(1)} ${file}\n`)
  })
}

/** Of this process and of the programs that it has waited for, but not of an engine and its containers. */
function processorSeconds(): number {
  // proc_pid_stat(5): utime, stime, cutime and cstime are the 14th to the 17th; the second may hold blanks.
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return ticks / TICKS_PER_SECOND
}

process.once('exit', () => {
  for (const pid of holdersForLong()) {
    process.stderr.write(`${file} has left ${nameOf(pid)} behind, with its output\n`)
    end(pid)
    process.exitCode = 1
  }
})

/** The run is over: nobody reads what this would tell. */
process.once('disconnect', () => {
  if (process.ppid !== run) process.exit(1)
})

/** Those that do not end soon after it. */
function holdersForLong(): number[] {
  const end = performance.now() + GRACE_MS
  let pids = holders()
  while (pids.length > 0 && performance.now() < end) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS)
    pids = holders()
  }
  return pids
}

/** Other processes that write to the output of this one. Each file has streams of its own. */
function holders(): number[] {
  const own = [1, 2].map((descriptor) => linkOf(`/proc/self/fd/${descriptor}`))
  const others = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  return others
    .filter((pid) => [1, 2].some((descriptor) => isOneOf(own, linkOf(`/proc/${pid}/fd/${descriptor}`))))
    .map(Number)
}

function isOneOf(sockets: (string | undefined)[], one: string | undefined): boolean {
  return one?.startsWith('socket:') === true && sockets.includes(one)
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined // it has ended, or is somebody else's
  }
}

function nameOf(pid: number): string {
  try {
    return `${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()} (${pid})`
  } catch {
    return String(pid) // it has just ended
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {} // it has just ended
}

/** Programs that this process has started and that still run. */
function children(): number[] {
  return readdirSync('/proc/self/task').flatMap((thread) => {
    try {
      return readFileSync(`/proc/self/task/${thread}/children`, 'utf8')
        .trim()
        .split(' ')
        .filter(Boolean)
        .map(Number)
    } catch {
      return [] // the thread has ended, or the kernel does not tell
    }
  })
}

registerCompletionHandler(() => {
  const timer = setTimeout(() => {
    const held = process.getActiveResourcesInfo().join(', ')
    const left = children()
    const programs = left.length > 0 ? `; ended: ${left.map(nameOf).join(', ')}` : ''
    process.stderr.write(`${file} held on after its last test: ${held}${programs}\n`)
    left.forEach(end)
    process.exit()
  }, PATIENCE_MS)
  // Whoever holds nothing ends at once.
  timer.unref()
})
