// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { toBakeRequest } from '../../../src/commands/cli/requests.js'
import type { SourceImage } from '../../../src/ports/index.js'
import type { BakeRequest } from '../../../src/usecases/bake-request.js'
import { bakeKey, describeOptions } from '../../../src/usecases/key.js'
import { diffId, sampleConfig } from '../../helpers/image.js'

const SOURCE: SourceImage = {
  reference: 'oci:d:1',
  id: `sha256:${'1'.repeat(64)}`,
  manifest: `sha256:${'2'.repeat(64)}`,
  config: sampleConfig(),
  ...{ os: 'linux', architecture: 'amd64', layers: 2, diffIds: [diffId('a'), diffId('b')] },
}
const FLAGS = {
  ...({ timeout: '120s', 'on-train-failure': 'fail', validate: 'stat', pyc: 'auto', measure: '5' } as const),
  ...({
    'dry-run': false,
    'check-repro': false,
    train: 'entrypoint',
    snapshot: false,
    network: 'none',
  } as const),
}
type Flags = Parameters<typeof toBakeRequest>[1]
const request = (flags: Partial<Flags> = {}, command?: string[], env = {}): BakeRequest =>
  toBakeRequest('oci:d:1', { ...FLAGS, ...flags }, command, env)
const KEY = bakeKey(request(), SOURCE)

const DIFFERENT: Record<string, BakeRequest> = {
  'another command': request({}, ['python3', '-m', 'other']),
  'another condition': request({ ready: ['log:/up/'] }),
  'another pattern in a condition': request({ ready: ['log:/UP/'] }),
  'a probe': request({ probe: ['GET:8000/'] }),
  'other modules': request({ train: 'imports', import: ['app'] }),
  'what a failed run means': request({ 'on-train-failure': 'keep' }),
  'how sources are checked': request({ validate: 'hash' }),
  bytecode: request({ pyc: 'off' }),
  'a limit': request({ 'min-hit-rate': '95' }),
  'a snapshot': request({ snapshot: true }),
  'another variable': request({ 'train-env': ['MODE=build'] }),
  'a network': request({ network: 'default' }),
  'a mount': request({ mount: ['/tmp:/data'] }),
  'a host': request({ 'add-host': ['db:10.0.0.1'] }),
  'a document': request({ sbom: 'x.json' }),
  'another time': request({}, undefined, { SOURCE_DATE_EPOCH: '1' }),
}

test('every option that changes the image changes its key', (t) => {
  const keys = Object.values(DIFFERENT).map((one) => bakeKey(one, SOURCE))
  t.is(new Set([KEY, ...keys]).size, keys.length + 1, [...Object.keys(DIFFERENT)].join(', '))
})

test('another source has another key: by its manifest, or by its id where it has none', (t) => {
  const { manifest: _, ...bare } = SOURCE
  t.not(bakeKey(request(), { ...SOURCE, manifest: `sha256:${'3'.repeat(64)}` }), KEY)
  t.not(bakeKey(request(), bare), KEY)
  t.is(bakeKey(request(), { ...SOURCE, id: `sha256:${'4'.repeat(64)}` }), KEY)
})

test('names, times and where files go change nothing', (t) => {
  const other = request({ tag: 'fast', output: 'oci:e', timeout: '5s', measure: '0', 'trace-out': 'x.json' })
  t.is(bakeKey({ ...other, reference: 'oci:elsewhere:1' }, SOURCE), KEY)
  t.is(
    bakeKey(request({ mount: ['/var:/data'] }), SOURCE),
    bakeKey(DIFFERENT['a mount'] ?? request(), SOURCE),
  )
})

test('no value of a variable is in the key or in what it is made of', (t) => {
  const secret = (value: string) => request({ 'train-env': [`TOKEN=${value}`] })
  t.is(bakeKey(secret('canary-one'), SOURCE), bakeKey(secret('canary-two'), SOURCE))
  t.false(JSON.stringify(describeOptions(secret('canary-one'))).includes('canary'))
})
