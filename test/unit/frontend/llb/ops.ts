// SPDX-License-Identifier: Apache-2.0
import { fromBinary } from '@bufbuild/protobuf'
import test from 'ava'
import { type Op, OpSchema } from '../../../../src/frontend/gen/ops_pb.js'
import { copyOver, files, image, local, run, type State } from '../../../../src/frontend/llb/index.js'

const PLATFORM = { os: 'linux', architecture: 'arm64', variant: 'v8' }
const NOTE = { name: 'a step' }
const base = image('docker.io/library/app:1', 'local', PLATFORM, NOTE)
const tool = image('docker.io/library/tool:1', '', PLATFORM, NOTE)

function opOf(state: State | undefined): Op {
  return fromBinary(OpSchema, state?.ops.get(state.digest)?.bytes ?? new Uint8Array())
}

test('a command has no network, and counts its inputs and outputs as BuildKit does', (t) => {
  const outputs = run(
    {
      args: ['/tool/x', 'y'],
      env: ['A=1'],
      cwd: '/app',
      platform: PLATFORM,
      mounts: [
        { at: '/', from: base, kind: 'output' },
        { at: '/tool', from: tool, kind: 'input', directory: '/t' },
        { at: '/again', from: base, kind: 'input' },
        { at: '/out', kind: 'output' },
        { at: '/tmp', kind: 'memory' },
      ],
    },
    NOTE,
  )
  t.deepEqual(
    outputs.map((state) => state.index),
    [0, 1],
  )
  const op = opOf(outputs[0])
  t.deepEqual(
    op.inputs.map((input) => input.digest),
    [base.digest, tool.digest],
  )
  t.is(op.platform?.architecture, 'arm64')
  if (op.op.case !== 'exec') return t.fail('not a command')
  t.is(op.op.value.network, 2)
  t.deepEqual(op.op.value.meta?.args, ['/tool/x', 'y'])
  t.deepEqual(
    op.op.value.mounts.map((one) => [
      one.dest,
      one.input,
      one.output,
      one.readonly,
      one.selector,
      one.mountType,
    ]),
    [
      ['/', 0n, 0n, false, '', 0],
      ['/tool', 1n, -1n, true, '/t', 0],
      ['/again', 0n, -1n, true, '', 0],
      ['/out', -1n, 1n, false, '', 0],
      ['/tmp', -1n, -1n, false, '', 4],
    ],
  )
})

test('a copy keeps modes and times: zero would clear them', (t) => {
  const op = opOf(copyOver(base, tool, '/root', PLATFORM, NOTE))
  if (op.op.case !== 'file') return t.fail('not a file operation')
  const [action] = op.op.value.actions
  if (action?.action.case !== 'copy') return t.fail('not a copy')
  t.like(action, { input: 0n, secondaryInput: 1n, output: 0n })
  t.like(action.action.value, { src: '/root', dest: '/', mode: -1, timestamp: -1n, dirCopyContents: true })
})

test('each of several files goes on from the one before it, and the last one is the result', (t) => {
  const op = opOf(files({ a: Buffer.from('1'), b: Buffer.from('2'), c: Buffer.alloc(0) }, PLATFORM, NOTE))
  if (op.op.case !== 'file') return t.fail('not a file operation')
  t.deepEqual(
    op.op.value.actions.map((one) => [one.input, one.secondaryInput, one.output]),
    [
      [-1n, -1n, -1n],
      [0n, -1n, -1n],
      [1n, -1n, 0n],
    ],
  )
})

test('sources have the names that BuildKit knows', (t) => {
  const source = (state: State) => {
    const { op } = opOf(state)
    return op.case === 'source' ? [op.value.identifier, op.value.attrs] : []
  }
  t.deepEqual(source(base), ['docker-image://docker.io/library/app:1', { 'image.resolvemode': 'local' }])
  t.deepEqual(source(tool), ['docker-image://docker.io/library/tool:1', {}])
  t.like(source(local('context', 's1', ['a.yaml'], NOTE))[1], {
    'local.session': 's1',
    'local.includepattern': '["a.yaml"]',
  })
})
