// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import test from 'ava'
import { DefinitionSchema, OpMetadataSchema, OpSchema } from '../../../../src/frontend/gen/ops_pb.js'
import {
  copyOver,
  files,
  fromDefinition,
  image,
  run,
  toDefinition,
} from '../../../../src/frontend/llb/index.js'

const PLATFORM = { os: 'linux', architecture: 'amd64', variant: '' }
const NOTE = { name: 'a step' }

const base = image('docker.io/library/app:1', '', PLATFORM, NOTE)

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

test('a graph ends with an operation that only names the result', (t) => {
  const { def } = toDefinition(base)
  t.is(def.length, 2)
  const last = fromBinary(OpSchema, def[1] ?? new Uint8Array())
  t.is(last.op.case, undefined)
  t.deepEqual(
    last.inputs.map(({ digest, index }) => [digest, index]),
    [[digestOf(def[0] ?? new Uint8Array()), 0n]],
  )
})

test('a graph that becomes a state and a graph again is the same', (t) => {
  const definition = toDefinition(
    copyOver(base, files({ a: Buffer.from('x') }, PLATFORM, NOTE), '/', PLATFORM, NOTE),
  )
  const state = fromDefinition(definition)
  t.truthy(state)
  if (state)
    t.deepEqual(toBinary(DefinitionSchema, toDefinition(state)), toBinary(DefinitionSchema, definition))
})

test('operations and metadata that a newer builder wrote pass through byte for byte', (t) => {
  // Field 99 is in no file of this project.
  const unknown = Buffer.concat([toBinary(OpSchema, create(OpSchema, {})), Buffer.from([0x9a, 0x06, 1, 7])])
  const definition = create(DefinitionSchema, {
    def: [
      unknown,
      toBinary(OpSchema, create(OpSchema, { inputs: [{ digest: digestOf(unknown), index: 2n }] })),
    ],
    metadata: { [digestOf(unknown)]: unknown },
    source: Buffer.from('lines'),
  })
  const below = fromDefinition(definition)
  if (!below) return t.fail('no state')
  const above = toDefinition(copyOver(below, base, '/', PLATFORM, NOTE))
  t.true(above.def.some((bytes) => Buffer.from(bytes).equals(unknown)))
  t.deepEqual(Buffer.from(above.metadata[digestOf(unknown)] ?? []), unknown)
  t.deepEqual(Buffer.from(above.source), Buffer.from('lines'))
  const copy = fromBinary(OpSchema, above.def.at(-2) ?? new Uint8Array())
  t.is(copy.inputs[0]?.index, 2n)
})

test('an empty graph is no state', (t) => {
  t.is(fromDefinition(create(DefinitionSchema)), undefined)
  t.is(fromDefinition(undefined), undefined)
})

test('an operation that two others need is sent once', (t) => {
  const [one] = run(
    { args: ['a'], env: [], cwd: '/', platform: PLATFORM, mounts: [{ at: '/', from: base, kind: 'output' }] },
    NOTE,
  )
  if (!one) return t.fail('no output')
  t.is(toDefinition(copyOver(base, one, '/', PLATFORM, NOTE)).def.length, 4)
})

test('what is not to come from the cache, and the shown name, are no part of what an operation is', (t) => {
  const again = image('docker.io/library/app:1', '', PLATFORM, { name: 'other', ignoreCache: true })
  t.is(again.digest, base.digest)
  const { metadata } = toDefinition(again)
  const op = fromBinary(OpMetadataSchema, metadata[again.digest] ?? new Uint8Array())
  t.true(op.ignoreCache)
  t.is(op.description['llb.customname'], 'other')
})
