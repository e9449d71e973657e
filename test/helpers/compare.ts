// SPDX-License-Identifier: Apache-2.0
import type { ExecutionContext } from 'ava'
import { Bench } from './python.js'

/** Trains a program and runs it with and without the archive; both must say the same. */
export async function compareWithStock(
  t: ExecutionContext,
  python: string,
  text: string,
  what: 'regexes' | 'sources',
  bench = new Bench(t, python),
) {
  const script = bench.file('program/main.py', text)
  await bench.train(script)
  const stock = await bench.runStock(script)
  const { outcome: served, counts } = await bench.runCounted(script, { PYCDS: 'require' })
  t.is(served.stdout, stock.stdout)
  t.deepEqual(served, stock)
  t.is(stock.code, 0, stock.stderr)
  const hits = Number(counts?.[what])
  return { hits, total: hits + Number(counts?.[`${what}_missed`]), stock, bench, script }
}
