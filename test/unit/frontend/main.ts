// SPDX-License-Identifier: Apache-2.0
// The process as a builder sees it, and what becomes of a build when either side misbehaves. None of these may hang.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import test from 'ava'
import {
  InputsResponseSchema,
  PongResponseSchema,
  type ReturnRequest,
  ReturnRequestSchema,
  SolveRequestSchema,
  SolveResponseSchema,
} from '../../../src/frontend/gen/gateway_pb.js'
import { StatusSchema } from '../../../src/frontend/gen/status_pb.js'
import { OLD_BUILDER } from '../../helpers/builder-capabilities.js'
import { type Answer, type Answers, serve } from '../../helpers/fake-builder.js'
import { startFrontend } from '../../helpers/frontend-process.js'

const pong = toBinary(PongResponseSchema, create(PongResponseSchema, OLD_BUILDER))
const noInputs = toBinary(InputsResponseSchema, create(InputsResponseSchema))
const empty: Answer = { message: new Uint8Array() }

/** Answers what every build asks first; `solve` decides the rest. Remembers the last word. */
function builder(solve: Answers) {
  const heard: { last?: ReturnRequest } = {}
  const answers: Answers = (method, message) => {
    if (method === 'Ping') return { message: pong }
    if (method === 'Inputs') return { message: noInputs }
    if (method !== 'Return') return solve(method, message)
    heard.last = fromBinary(ReturnRequestSchema, message)
    return empty
  }
  return { answers, heard }
}

test('a question about the Dockerfile is passed on, and so is its answer', async (t) => {
  const result = { metadata: { 'result.txt': Buffer.from('stages') }, attestations: { x: Buffer.from('y') } }
  const asked: Record<string, string>[] = []
  const { answers, heard } = builder((_, message) => {
    asked.push(fromBinary(SolveRequestSchema, message).frontendOpt)
    return { message: toBinary(SolveResponseSchema, create(SolveResponseSchema, { result })) }
  })
  const frontend = startFrontend({ requestid: 'frontend.targets', source: 'pycds/frontend', filename: 'D' })
  const { calls } = serve(frontend.connection, answers)
  t.is((await frontend.end).code, 0)
  t.deepEqual(asked, [{ requestid: 'frontend.targets', filename: 'D', cmdline: 'pycds/frontend' }])
  t.is(Buffer.from(heard.last?.result?.metadata['result.txt'] ?? []).toString(), 'stages')
  t.is(Buffer.from(heard.last?.result?.attestations.x ?? []).toString(), 'y')
  t.deepEqual(calls, ['Ping', 'Inputs', 'Solve', 'Return'])
})

test('an error of the Dockerfile comes back with everything that points into it', async (t) => {
  const status = create(StatusSchema, {
    code: 2,
    message: 'line 3: unknown instruction: RNU',
    details: [Buffer.of(1, 2)],
  })
  const details = toBinary(StatusSchema, status)
  const { answers, heard } = builder(() => ({ code: 2, text: status.message, details }))
  const frontend = startFrontend({})
  serve(frontend.connection, answers)
  t.not((await frontend.end).code, 0)
  t.deepEqual(heard.last?.error && toBinary(StatusSchema, heard.last.error), details)
})

test('a builder that lacks something is told what', async (t) => {
  const { answers, heard } = builder(() => empty)
  const old = create(PongResponseSchema, { ...OLD_BUILDER, llbCaps: [] })
  const frontend = startFrontend({})
  serve(frontend.connection, (method, message) =>
    method === 'Ping' ? { message: toBinary(PongResponseSchema, old) } : answers(method, message),
  )
  t.not((await frontend.end).code, 0)
  t.regex(heard.last?.error?.message ?? '', /the builder lacks exec\.meta\.base/)
})

test('a message over the limit of the builder ends the build with its words', async (t) => {
  const { answers, heard } = builder(() => ({
    code: 8,
    text: 'grpc: received message larger than max (5 vs. 4)',
  }))
  const frontend = startFrontend({})
  serve(frontend.connection, answers)
  t.not((await frontend.end).code, 0)
  t.is(heard.last?.error?.code, 8)
  t.regex(heard.last?.error?.message ?? '', /larger than max/)
})

test('a wrong option ends the build before anything is run', async (t) => {
  const { answers, heard } = builder((method) =>
    method === 'Solve'
      ? { message: toBinary(SolveResponseSchema, create(SolveResponseSchema, { result: {} })) }
      : { code: 2, text: 'not asked for' },
  )
  const frontend = startFrontend({ 'build-arg:PYCDS_ON_FAILURE': 'maybe' })
  serve(frontend.connection, answers)
  await frontend.end
  t.regex(heard.last?.error?.message ?? '', /PYCDS_ON_FAILURE.*\(USAGE\)/)
})

test('started by hand it says what it is', async (t) => {
  const { end, connection } = startFrontend({}, {})
  connection.end()
  const { code, stderr } = await end
  t.is(code, 2)
  t.regex(stderr, /not started by BuildKit/)
})

test('garbage on standard input ends it', async (t) => {
  const { end, connection } = startFrontend({})
  connection.on('error', () => {})
  connection.write('GET / HTTP/1.1\r\nHost: example\r\n\r\n'.repeat(50))
  const { code, stderr } = await end
  t.not(code, 0)
  t.regex(stderr, /connection to BuildKit/)
})

test('a connection that closes before the first word ends it', async (t) => {
  const { end, connection } = startFrontend({})
  connection.on('error', () => {})
  connection.end()
  t.not((await end).code, 0)
})

test('a builder that goes away in the middle of a build ends it', async (t) => {
  const frontend = startFrontend({})
  frontend.connection.on('error', () => {})
  const { answers } = builder(() => ({ raw: () => frontend.connection.destroy() }))
  serve(frontend.connection, answers)
  t.not((await frontend.end).code, 0)
})

test('a frontend that is killed is gone: nothing is left that could wait', async (t) => {
  const frontend = startFrontend({})
  frontend.connection.on('error', () => {})
  const { answers } = builder(() => ({ raw: () => frontend.child.kill('SIGTERM') }))
  serve(frontend.connection, answers)
  t.is((await frontend.end).signal, 'SIGTERM')
})
