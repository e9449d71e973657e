// SPDX-License-Identifier: Apache-2.0
import type { ExecutionContext } from 'ava'
import { Bench } from './python.js'

/** Trains a program and runs it with and without the archive; both must say the same. */
export async function compareWithStock(
  t: ExecutionContext,
  python: string,
  text: string,
  what: 'regular expressions' | 'source strings',
  bench = new Bench(t, python),
) {
  const script = bench.file('program/main.py', text)
  await bench.train(script)
  const stock = await bench.runWithArchive(script, { PYCDS: 'off' })
  const served = await bench.runWithArchive(script, { PYCDS: 'require' })
  t.is(served.stdout, stock.stdout)
  t.deepEqual(served, stock)
  t.is(stock.code, 0, stock.stderr)
  const { stderr } = await bench.runWithArchive(script, { PYCDS: 'report' })
  const [, hits, total] = new RegExp(`served (\\d+) of (\\d+) compilations of ${what}`).exec(stderr) ?? []
  return { hits: Number(hits ?? 0), total: Number(total ?? 0), stock, bench, script }
}
