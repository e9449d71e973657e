// SPDX-License-Identifier: Apache-2.0
// What a start with a snapshot has the kernel read in advance where the page cache is empty, and what it leaves alone.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Python } from '../helpers/interpreters.js'
import { findFreezable, SnapshotBench } from '../helpers/snapshot.js'
import { placesOf, regionsOf } from '../helpers/snapshot-file.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { WarmBench } from '../helpers/warm.js'

const PAGE = 4096
const DATA = 2
const META_PAGES = 64
const ENV = { PYTHONHASHSEED: '0' }

const pythons = findFreezable()
if (pythons.length === 0)
  test.skip('no CPython on this machine that can be frozen: nothing is read ahead', () => undefined)

function each(title: string, run: (t: ExecutionContext, python: Python) => Promise<void>): void {
  for (const python of pythons) testInTurn(`${python.version}: ${title}`, (t) => run(t, python))
}

/** Asks the kernel which pages it has; any way of reading would have it fetch more. */
const PROBE = `
import ctypes, mmap, os, sys, time
def cached(path, pages=None):
    with open(path, "rb") as file:
        area = mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE)
    found = (ctypes.c_ubyte * -(-len(area) // ${PAGE}))()
    start = ctypes.c_ubyte.from_buffer(area)
    assert ctypes.CDLL(None).mincore(ctypes.c_void_p(ctypes.addressof(start)), ctypes.c_size_t(len(area)), found) == 0
    return [page for page in pages or range(len(found)) if found[page] & 1]
def wait_for(path, pages=None):
    count = len(pages or range(os.stat(path).st_size // ${PAGE}))
    deadline = time.monotonic() + 60
    while len(cached(path, pages)) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    return len(cached(path, pages)) >= count
`
const EVICT = `${PROBE}
with open(sys.argv[1], "rb") as file:
    os.fsync(file.fileno())
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
print(len(cached(sys.argv[1])))
`

/** Whether a file could be had out of the page cache: one in memory cannot. */
async function evict(bench: SnapshotBench, path: string): Promise<boolean> {
  const { stdout } = await bench.startPlain(['-c', EVICT, path])
  return Number(stdout) < statSync(path).size / PAGE / 4
}

function pagesAhead(file: Buffer): number[] {
  return placesOf(file, 'ahead').flatMap((at) => {
    const [first, count] = [file.readUInt32LE(at), file.readUInt32LE(at + 4)]
    return Array.from({ length: count }, (_, i) => first + i)
  })
}

each('the pages that every start reads are known, and read at once', async (t, python) => {
  const bench = new SnapshotBench(t, python)
  await bench.freeze()
  const pages = pagesAhead(readFileSync(bench.snapshot))
  if (!(await evict(bench, bench.snapshot))) {
    t.pass('the file cannot be had out of the page cache')
    return
  }
  const file = readFileSync(bench.snapshot)
  const data = regionsOf(file).filter(({ kind }) => kind === DATA)
  const all = data.reduce((sum, { bytes }) => sum + Number(bytes) / PAGE, 0)
  t.true(pages.length > 50 && pages.length < 0.8 * all, `${pages.length} of ${all}`)
  t.true(pages.every((page) => page >= META_PAGES && page < file.length / PAGE))
  const noted = new Set(pages)
  for (const at of placesOf(file, 'warm')) {
    const [address, bytes] = [file.readBigUInt64LE(at), file.readBigUInt64LE(at + 8)]
    const region = regionsOf(file).find((one) => one.address <= address && address < one.address + one.bytes)
    const first = Number(((region?.offset ?? 0n) + address - (region?.address ?? 0n)) / BigInt(PAGE))
    for (let page = first; page < first + Number(bytes) / PAGE; page++) t.true(noted.has(page), `${page}`)
  }
  t.true(await evict(bench, bench.snapshot))
  const script = `${PROBE}\nprint(wait_for(sys.argv[1], ${JSON.stringify(pages)}))`
  const { stdout, snapshot } = await bench.start(['-c', script, bench.snapshot])
  t.is(snapshot, 'thawed')
  t.is(stdout, 'True\n')
})

each('it is the same without reading ahead, and when it is forced', async (t, python) => {
  const bench = new SnapshotBench(t, python)
  await bench.freeze()
  for (const PYCDS_READAHEAD of ['off', 'force']) {
    await evict(bench, bench.snapshot)
    await bench.compare(t, PYCDS_READAHEAD, ['-c', 'print(1)'], { env: { PYCDS_READAHEAD } })
  }
})

each('the directories that imports look at are known, each once', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  await bench.freezeWarm(['json', 'email.mime.text', 'email.mime.image'], ENV)
  const file = readFileSync(bench.snapshot)
  const [strings = 0] = placesOf(file, 'strings')
  const folders = placesOf(file, 'folders').map((at) => {
    const start = strings + file.readUInt32LE(at)
    return dirname(file.toString('utf8', start, file.indexOf(0, start)))
  })
  t.is(new Set(folders).size, folders.length)
  const { stdout } = await bench.startPlain([
    '-c',
    'import json, email.mime, os; print(*[os.path.dirname(one.__file__) for one in (os, json, email, email.mime)])',
  ])
  for (const one of stdout.trim().split(' ')) t.true(folders.includes(one), `${one}: ${folders}`)
})

each('the archive is read ahead only where modules come from it', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train('import asyncio, json, email.mime.text, unittest.mock, http.server')
  await bench.freezeWarm(['json'], ENV)
  const env = { ...ENV, PYCDS_READAHEAD: 'force' }
  if (!(await evict(bench, bench.archive))) {
    t.pass('the file cannot be had out of the page cache')
    return
  }
  const few = `import json\n${PROBE}\ntime.sleep(0.5)\nprint(len(cached(sys.argv[1])))`
  const spared = await bench.start(['-c', few, bench.archive], { env })
  t.is(spared.snapshot, 'thawed')
  const whole = statSync(bench.archive).size / PAGE
  t.true(Number(spared.stdout) < whole / 2, `${spared.stdout} of ${whole}`)
  await evict(bench, bench.archive)
  const many = `import json, asyncio, email.mime.text\n${PROBE}\nprint(wait_for(sys.argv[1]))`
  const wanted = await bench.start(['-c', many, bench.archive], { env })
  t.is(wanted.snapshot, 'thawed')
  t.is(wanted.stdout, 'True\n')
})

each(
  'memory for what the archive gives comes in huge pages only where many modules come from it',
  async (t, python) => {
    if (!existsSync('/sys/kernel/mm/transparent_hugepage')) {
      t.pass('this kernel has none')
      return
    }
    const bench = new WarmBench(t, python)
    await bench.train('import asyncio, json, email.mime.text, unittest.mock, http.server, textwrap')
    await bench.freezeWarm(['json'], ENV)
    const asks =
      'with open("/proc/self/smaps") as maps: print(any(line.startswith("VmFlags") and " hg" in line for line in maps))'
    const few = await bench.start(['-c', `import json, textwrap\n${asks}`], { env: ENV })
    t.is(few.snapshot, 'thawed')
    t.is(few.stdout, 'False\n')
    const many = await bench.start(['-c', `import json, asyncio, email.mime.text\n${asks}`], { env: ENV })
    t.is(many.snapshot, 'thawed')
    t.is(many.stdout, 'True\n')
  },
)
