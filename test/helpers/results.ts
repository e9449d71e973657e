// SPDX-License-Identifier: Apache-2.0
import type { BakeResult } from '../../src/usecases/result.js'

export const timing = (medianMs: number) => ({ medianMs, minMs: medianMs - 1, maxMs: medianMs + 1 })
/** What a bake tells, with values that are easy to tell apart. */
export const RESULT: BakeResult = {
  schema: 'io.pycds.bake/1',
  source: { reference: 'app:1', id: `sha256:${'a'.repeat(64)}`, exposedPorts: [] },
  key: `sha256:${'e'.repeat(64)}`,
  output: {
    reference: 'app:1-cds',
    id: `sha256:${'b'.repeat(64)}`,
    configDigest: `sha256:${'b'.repeat(64)}`,
    manifestDigest: null,
  },
  python: {
    version: '3.11.2',
    executable: '/usr/bin/python3.11',
    library: null,
    buildId: 'c0ffee',
    abi: 'cpython-311',
  },
  training: {
    command: ['python3', '-c', "print('hi')"],
    readiness: 'quiet for 2s',
    mode: 'entrypoint',
    imports: [],
    endedBy: 'quiet',
    probes: [],
    seconds: 4.2,
    exitCode: null,
    processes: 1,
    pythons: [],
  },
  archive: {
    path: '/opt/pycds/app.cds',
    bytes: 3_000_000,
    modules: 512,
    regexes: 120,
    sources: 34,
    leftOut: [{ name: 'x', reason: 'frozen' }],
  },
  bytecode: { mode: 'auto', files: 0, packages: 0, failed: 0, bytes: 0 },
  snapshot: null,
  layer: { diffId: `sha256:${'d'.repeat(64)}`, bytes: 3_100_000, compressedBytes: 1_200_000 },
  start: {
    metric: 'imports',
    before: timing(412),
    after: timing(168),
    speedup: 412 / 168,
    relativeError: 0.031,
    noisy: false,
    runs: 5,
  },
  gates: [],
  hitRate: null,
  warnings: [],
}
