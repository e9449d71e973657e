// SPDX-License-Identifier: Apache-2.0
// What a process with a snapshot does once it has started: how fast it works, and the memory of ten containers.
import { join } from 'node:path'
import { type Summary, summarise } from '../../src/util/statistics.js'
import { drive } from '../driver.js'
import { type Package, plainProgram, TIMES } from '../packages.js'
import type { Python } from '../pythons.js'
import { mountImage, type Root } from '../roots.js'
import { pssOf } from './memory.js'
import { measureEach, type Part, type PartContext } from './part.js'
import { discardImage, makeImage, startEnvironment } from './snapshot.js'

const ROUNDS = 9

/** By package: what it does, in lines of Python, about a second of it. */
const WORK: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  flask: {
    requests: [
      'app = flask.Flask("work")',
      'app.add_url_rule("/<name>", "show", lambda name: flask.jsonify(name=name, path=flask.request.path))',
      'client = app.test_client()',
      'for number in range(5000): assert client.get("/%d" % number).json["path"]',
    ],
    'json and re': [
      'import json, re',
      'text = json.dumps([{"key %d" % n: [n, str(n), n / 3]} for n in range(200)])',
      'for _ in range(4000): json.dumps(json.loads(text)); re.findall(r"key (\\d+)", text)',
    ],
  },
  pandas: {
    groupby: [
      'frame = pandas.DataFrame({"key": [n % 97 for n in range(20000)], "value": [n * 0.5 for n in range(20000)]})',
      'for _ in range(700): frame.groupby("key").agg(["mean", "sum", "std"])',
    ],
  },
  torch: {
    training: [
      'torch.manual_seed(1)',
      'model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1))',
      'optimizer, data = torch.optim.SGD(model.parameters(), lr=0.01), torch.randn(256, 64)',
      'for _ in range(800):',
      '    optimizer.zero_grad(); model(data).pow(2).mean().backward(); optimizer.step()',
    ],
  },
}

export interface SnapshotUse {
  readonly python: string
  readonly package: string
  readonly work: string
  /** Milliseconds of the processor that the work takes. */
  readonly plain: Summary
  readonly snapshot: Summary
  /** Sum of the proportional set sizes of ten containers that wait, bytes: [as shipped, with a snapshot]. */
  readonly importedPss: readonly [number, number]
  readonly workedPss: readonly [number, number]
  /** Of the checkout that was measured, where the other parts are of a later one. */
  readonly commit?: string
}

export const snapshotUse: Part = {
  name: 'snapshot-use',
  title: 'work and memory with process snapshots',
  goesOn: true,
  run: (context) =>
    measureEach(
      'snapshot-use',
      context,
      context.options.packages.filter(({ name }) => name in WORK),
      {
        make: (python, one) => makeImage(python, one),
        measure,
        describe: (row) => `work and memory: ${JSON.stringify(row)}`,
      },
    ),
}

/** Why the package was not measured, or its rows. */
async function measure(
  python: Python,
  one: Package,
  { folder }: PartContext,
): Promise<SnapshotUse[] | string> {
  const made = await makeImage(python, one)
  if (typeof made === 'string') return made
  const { base, baked } = made
  const tag = baked.reference
  const roots: Root[] = []
  try {
    if (baked.snapshot.reason !== null) return baked.snapshot.reason
    for (const [name, image] of Object.entries({ plain: base, own: tag }))
      roots.push(await mountImage(image, join(folder, 'snapshot-use', name)))
    const rows: SnapshotUse[] = []
    const begin = plainProgram(one)
    for (const [work, lines] of Object.entries(WORK[one.name] ?? {})) {
      const timed = [begin, 'import os, time', 'c = time.process_time_ns()', ...lines]
      timed.push(`os.write(${TIMES}, b"0 %d" % (time.process_time_ns() - c))`)
      const argv = [python.executable, '-c', timed.join('\n')]
      const starters = roots.map(({ path }, index) => ({
        root: path,
        argv,
        env: { ...startEnvironment(one), ...(index > 0 ? { PYCDS_ARCHIVE: '/opt/pycds/app.cds' } : {}) },
      }))
      await drive(starters, 1, false)
      const starts = await drive(starters, ROUNDS, false)
      const times = (index: number) =>
        summarise(starts.filter(({ starter }) => starter === index).map(({ phaseCpu }) => phaseCpu))
      const waiting = ['import time', 'print("ready", flush=True)', 'time.sleep(600)']
      const memory = async (program: readonly string[]) => {
        const text = [...program, ...waiting].join('\n')
        return [
          await pssOf(base, [python.executable, '-c', text]),
          await pssOf(tag, [python.executable, '-c', text]),
        ] as const
      }
      const [plain, own] = [times(0), times(1)]
      if (!plain || !own) return 'it did not start'
      rows.push({
        ...{ python: python.id, package: one.name, work, plain, snapshot: own },
        importedPss: rows[0]?.importedPss ?? (await memory([begin])),
        workedPss: await memory([begin, ...lines]),
      })
    }
    return rows
  } finally {
    for (const root of roots) await root.unmount()
    await discardImage(python, one)
  }
}
