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
const request = (flags: Partial<Flags> = {}, command?: string[], env = {}): Promise<BakeRequest> =>
  toBakeRequest('oci:d:1', { ...FLAGS, ...flags }, command, env)
const KEY = bakeKey(await request(), SOURCE)

const DIFFERENT: Record<string, BakeRequest> = {
  'another command': await request({}, ['python3', '-m', 'other']),
  'another condition': await request({ ready: ['log:/up/'] }),
  'another pattern in a condition': await request({ ready: ['log:/UP/'] }),
  'a probe': await request({ probe: ['GET:8000/'] }),
  'other modules': await request({ train: 'imports', import: ['app'] }),
  'what a failed run means': await request({ 'on-train-failure': 'keep' }),
  'how sources are checked': await request({ validate: 'hash' }),
  bytecode: await request({ pyc: 'off' }),
  'a limit': await request({ 'min-hit-rate': '95' }),
  'a snapshot': await request({ snapshot: true }),
  'another variable': await request({ 'train-env': ['MODE=build'] }),
  'a network': await request({ network: 'default' }),
  'a mount': await request({ mount: ['/tmp:/data'] }),
  'a host': await request({ 'add-host': ['db:10.0.0.1'] }),
  'a document': await request({ sbom: 'x.json' }),
  'another time': await request({}, undefined, { SOURCE_DATE_EPOCH: '1' }),
}

test('every option that changes the image changes its key', (t) => {
  const keys = Object.values(DIFFERENT).map((one) => bakeKey(one, SOURCE))
  t.is(new Set([KEY, ...keys]).size, keys.length + 1, [...Object.keys(DIFFERENT)].join(', '))
})

test('another source has another key: by its manifest, or by its id where it has none', async (t) => {
  const { manifest: _, ...bare } = SOURCE
  t.not(bakeKey(await request(), { ...SOURCE, manifest: `sha256:${'3'.repeat(64)}` }), KEY)
  t.not(bakeKey(await request(), bare), KEY)
  t.is(bakeKey(await request(), { ...SOURCE, id: `sha256:${'4'.repeat(64)}` }), KEY)
})

test('names, times and where files go change nothing', async (t) => {
  const flags = { tag: 'fast', output: 'oci:e', timeout: '5s', measure: '0', 'trace-out': 'x.json' }
  const other = await request(flags)
  t.is(bakeKey({ ...other, reference: 'oci:elsewhere:1' }, SOURCE), KEY)
  t.is(
    bakeKey(await request({ mount: ['/var:/data'] }), SOURCE),
    bakeKey(DIFFERENT['a mount'] ?? (await request()), SOURCE),
  )
})

test('no value of a variable is in the key or in what it is made of', async (t) => {
  const secret = (value: string) => request({ 'train-env': [`TOKEN=${value}`] })
  t.is(bakeKey(await secret('canary-one'), SOURCE), bakeKey(await secret('canary-two'), SOURCE))
  t.false(JSON.stringify(describeOptions(await secret('canary-one'))).includes('canary'))
})
