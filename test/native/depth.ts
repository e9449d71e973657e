// SPDX-License-Identifier: Apache-2.0
// Modules that import one another reach as deep as without an archive, by the recursion limit and on the stack of a thread.
import test from 'ava'
import { findPythons } from '../helpers/interpreters.js'
import { Bench } from '../helpers/python.js'
import { testInTurn } from '../helpers/test-in-turn.js'

const LENGTH = 190
/** Of what is reached without an archive on a small stack, by numbers of what each import takes of it. */
const SHARE = 0.65

/** Prints how many modules of the chain can be imported with the usual limit, and with a small stack. */
const DEEPEST = `import os, sys, threading
def reaches(depth, limit, kib):
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1] == 0
    os.close(2)
    done = []
    def work():
        __import__("link_%d" % (${LENGTH} - depth))
        done.append(True)
    sys.setrecursionlimit(limit)
    threading.stack_size(kib * 1024)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    os._exit(0 if done else 1)
def deepest(limit, kib):
    low, high = 0, ${LENGTH}
    while high - low > 1:
        middle = (low + high) // 2
        if reaches(middle, limit, kib):
            low = middle
        else:
            high = middle
    return low
if "TRAIN" in os.environ:
    sys.setrecursionlimit(9000)
    import link_0
else:
    print(deepest(1000, 16384), deepest(9000, 128))
`

const pythons = findPythons()
if (pythons.length === 0)
  test.skip('no supported CPython on this machine: chains of imports are not compared', () => undefined)

for (const { path, version } of pythons) {
  testInTurn(`${version}: a chain of imports reaches as deep as without`, async (t) => {
    const bench = new Bench(t, path)
    const script = bench.file('program/main.py', DEEPEST)
    for (let link = 0; link < LENGTH; link += 1)
      bench.file(`program/link_${link}.py`, `import link_${link + 1}\n`)
    bench.file(`program/link_${LENGTH}.py`, 'import json, decimal\n')
    await bench.train(script, 'stat', { env: { TRAIN: '1' } })
    const plain = await bench.runStock(script)
    const served = await bench.runWithArchive(script, { PYCDS: 'require' })
    t.is(served.stderr, plain.stderr)
    const [limit = 0, stack = 0] = plain.stdout.split(' ').map(Number)
    const [ownLimit = 0, ownStack = 0] = served.stdout.split(' ').map(Number)
    t.true(limit > 50 && stack > 10, plain.stdout)
    t.true(ownLimit >= limit, `${served.stdout} against ${plain.stdout}`)
    t.true(ownStack >= SHARE * stack, `${served.stdout} against ${plain.stdout}`)
    t.log(`${plain.stdout.trim()} and ${served.stdout.trim()}`)
  })
}
