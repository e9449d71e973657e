// SPDX-License-Identifier: Apache-2.0
// Whatever a bake waits for has a line of progress: what takes long is a call of a port, and each one is made, and ends,
// while a line says what happens. That holds whatever the size of an image and the speed of a machine.
import { join } from 'node:path'
import test from 'ava'
import { openPorts } from '../../src/commands/cli/ports.js'
import type { Progress } from '../../src/log/index.js'
import type { Container } from '../../src/ports/index.js'
import { bake } from '../../src/usecases/bake.js'
import type { BakeRequest } from '../../src/usecases/bake-request.js'
import { docker } from '../helpers/engine.js'
import { ensureImage } from '../helpers/images.js'
import { DEADLINE_MS } from '../helpers/run.js'
import { temporary } from '../helpers/temporary.js'

/** Calls that take a moment, whatever the size of the image: a file, or a container that was never started. */
const QUICK = ['showProgress', 'readFile', 'stat', 'lstat', 'remove']

/** Lines of progress, and the calls that were made while there was none. */
class Watcher {
  readonly uncovered: string[] = []
  readonly titles: string[] = []
  readonly #open = new Set<string>()
  readonly #originals = new WeakMap<object, object>()

  readonly progress: Progress = {
    step: (id, title) => {
      this.titles.push(title)
      this.#open.add(id)
      const end = () => void this.#open.delete(id)
      return { update() {}, done: end, fail: end }
    },
    appOutput() {},
    warn() {},
  }

  /** The same object, whose calls are looked at. */
  watched<T extends object>(target: T, name: string): T {
    const proxy = new Proxy(target, {
      get: (object, key) => {
        const value: unknown = Reflect.get(object, key, object)
        if (typeof value !== 'function') return value
        const isQuick = QUICK.includes(String(key))
        return (...args: unknown[]) => {
          const call = `${name}.${String(key)}`
          if (!isQuick && key !== 'readConfig') this.#look(call)
          const own = args.map((arg) => (isObject(arg) ? (this.#originals.get(arg) ?? arg) : arg))
          const result: unknown = Reflect.apply(value, object, own)
          return result instanceof Promise && !isQuick ? this.#ended(result, call) : result
        }
      },
    })
    this.#originals.set(proxy, target)
    return proxy
  }

  async #ended(result: Promise<unknown>, call: string): Promise<unknown> {
    const value = await result
    // What goes on behind others ends when it ends; who waits for it is looked at there.
    if (!/readConfig|wait/.test(call)) this.#look(`the end of ${call}`)
    return isContainer(value) ? this.watched(value, 'container') : value
  }

  #look(call: string): void {
    if (this.#open.size === 0) this.uncovered.push(call)
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function isContainer(value: unknown): value is Container {
  return isObject(value) && 'readTree' in value && 'exec' in value
}

const image = await ensureImage('minimal')
const withImage = image === undefined ? test.serial.skip : test.serial

for (const place of ['docker-archive', 'engine']) {
  withImage(`${place}: each call that a bake waits for is under a line of progress`, async (t) => {
    t.timeout(DEADLINE_MS)
    const directory = temporary(t)
    const file = join(directory, 'image.tar')
    if (place !== 'engine') await docker('save', '-o', file, image ?? '')
    const reference = place === 'engine' ? (image ?? '') : `docker-archive:${file}`
    const signal = new AbortController().signal
    const { store, engine, archiver } = await openPorts({ reference, signal })
    const watcher = new Watcher()
    const { progress } = watcher
    const request: BakeRequest = {
      reference,
      command: ['python3', '-c', 'import json'],
      ...{ ready: [], probes: [], limits: { timeoutMs: 60_000, stopGraceSeconds: 1 } },
      ...{
        onTrainFailure: 'fail',
        mode: 'entrypoint',
        imports: [],
        traces: [],
        validate: 'stat',
        pyc: 'auto',
      },
      surroundings: { env: {}, mounts: [], network: 'none', hosts: [] },
      ...{ measureRuns: 1, dryRun: false, untagged: place === 'engine', gates: { checkRepro: true } },
      ...(place === 'engine' ? {} : { output: `docker-archive:${join(directory, 'out.tar')}` }),
    }
    const ports = { store: watcher.watched(store, 'store'), engine: watcher.watched(engine, 'engine') }
    try {
      const { result } = await bake(request, { ...ports, archiver, progress, signal })
      if (place === 'engine') t.teardown(() => store.remove(result.output?.id ?? ''))
    } finally {
      await engine.removeAll()
    }
    t.deepEqual([...new Set(watcher.uncovered)], [])
    if (place !== 'engine') t.true(watcher.titles.includes('Remove what was unpacked'))
  })
}
