// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { create, toBinary } from '@bufbuild/protobuf'
import test, { type ExecutionContext } from 'ava'
import { BuilderError, CODE } from '../../../../src/frontend/gateway/status.js'
import { createTransport } from '../../../../src/frontend/gateway/transport.js'
import { StatusSchema } from '../../../../src/frontend/gen/status_pb.js'
import { type Answers, fakeBuilder } from '../../../helpers/fake-builder.js'

const FOUR = Buffer.of(1, 2, 3, 4)

function connect(answers: Answers) {
  const builder = fakeBuilder(answers)
  return { ...builder, transport: createTransport(builder.stream, 'a.Service') }
}

async function fails(t: ExecutionContext, call: Promise<unknown>, code: number): Promise<BuilderError> {
  const error = await t.throwsAsync(call, { instanceOf: BuilderError })
  t.is(error.status.code, code, error.message)
  return error
}

test('an answer is the message that the other side sent', async (t) => {
  const { transport, calls } = connect((_, message) => ({ message: Buffer.from(message).reverse() }))
  t.deepEqual(Buffer.from(await transport.unary('Turn', Buffer.from('abc'))), Buffer.from('cba'))
  t.deepEqual(calls, ['Turn'])
})

test('an empty message and one of many frames arrive whole', async (t) => {
  const { transport } = connect((_, message) => ({ message }))
  t.is((await transport.unary('Echo', Buffer.alloc(0))).length, 0)
  const large = Buffer.alloc(1_500_000, 'x')
  t.true(Buffer.from(await transport.unary('Echo', large)).equals(large))
})

test('calls at the same time get their own answers', async (t) => {
  const { transport } = connect((_, message) => ({ message }))
  const texts = Array.from({ length: 20 }, (_, index) => `call ${index}`)
  const answers = await Promise.all(texts.map((text) => transport.unary('Echo', Buffer.from(text))))
  t.deepEqual(
    answers.map((answer) => Buffer.from(answer).toString()),
    texts,
  )
})

test('an error has the code and the decoded message', async (t) => {
  const { transport } = connect(() => ({ code: CODE.notFound, text: 'kein „Bild“' }))
  const error = await fails(t, transport.unary('Get', Buffer.alloc(0)), CODE.notFound)
  t.is(error.message, 'kein „Bild“')
})

test('the details of an error survive: they say where in the Dockerfile it is', async (t) => {
  const status = create(StatusSchema, { code: 3, message: 'line 7', details: [Buffer.from('any')] })
  const { transport } = connect(() => ({ code: 3, text: 'x', details: toBinary(StatusSchema, status) }))
  const error = await fails(t, transport.unary('Get', Buffer.alloc(0)), 3)
  t.deepEqual(toBinary(StatusSchema, error.status), toBinary(StatusSchema, status))
})

for (const kilobytes of [30, 150, 1000]) {
  test(`details of ${kilobytes} kB do not break the connection, and the message survives`, async (t) => {
    const status = create(StatusSchema, {
      code: 3,
      message: 'line 7',
      details: [randomBytes(kilobytes * 1000)],
    })
    const { transport } = connect((method) =>
      method === 'Get'
        ? { code: 3, text: 'line 7', details: toBinary(StatusSchema, status) }
        : { message: FOUR },
    )
    const error = await fails(t, transport.unary('Get', Buffer.alloc(0)), 3)
    t.is(error.message, 'line 7')
    t.is(error.status.details.length, kilobytes === 30 ? 1 : 0)
    // The next ones refer to headers that were sent before.
    for (const _ of FOUR) t.deepEqual(Buffer.from(await transport.unary('Next', Buffer.alloc(0))), FOUR)
    t.is((await fails(t, transport.unary('Get', Buffer.alloc(0)), 3)).message, 'line 7')
  })
}

test('an error whose message is too long for a header still has its code, and says what to do', async (t) => {
  const { transport } = connect(() => ({ code: 3, text: 'x'.repeat(200_000) }))
  const error = await fails(t, transport.unary('Get', Buffer.alloc(0)), 3)
  t.regex(error.message, /build without the line/)
})

test('an answer over the limit is refused before it is read', async (t) => {
  const { transport } = connect(() => ({
    raw: (call) => {
      call.respond({ ':status': 200 })
      call.write(Buffer.of(0, 0xff, 0xff, 0xff, 0xff))
    },
  }))
  await fails(t, transport.unary('Get', Buffer.alloc(0)), CODE.resourceExhausted)
})

test('an answer that is shorter than it says is refused', async (t) => {
  const { transport } = connect(() => ({
    raw: (call) => {
      call.respond({ ':status': 200 }, { waitForTrailers: true })
      call.on('wantTrailers', () => call.sendTrailers({ 'grpc-status': '0' }))
      call.end(Buffer.of(0, 0, 0, 0, 9, 1))
    },
  }))
  await fails(t, transport.unary('Get', Buffer.alloc(0)), CODE.unknown)
})

test('another HTTP status is an error, not an answer', async (t) => {
  const { transport } = connect(() => ({
    raw: (call) => call.respond({ ':status': 404 }, { endStream: true }),
  }))
  await fails(t, transport.unary('Get', Buffer.alloc(0)), CODE.unknown)
})

test('a call that is reset ends with an error', async (t) => {
  const { transport } = connect(() => ({ raw: (call) => call.close(2) }))
  await fails(t, transport.unary('Get', Buffer.alloc(0)), CODE.unavailable)
})

test('a call that is never answered ends when its time is over', async (t) => {
  const { transport } = connect(() => ({ raw: () => {} }))
  await fails(t, transport.unary('Get', Buffer.alloc(0), { timeoutMs: 50 }), CODE.deadlineExceeded)
})

test('when the connection breaks, calls under way and later ones end', async (t) => {
  const { transport, other } = connect(() => ({ raw: () => other.destroy() }))
  await fails(t, transport.unary('Get', Buffer.alloc(0)), CODE.unavailable)
  await fails(t, transport.unary('Get', Buffer.alloc(0)), CODE.unavailable)
})

test('garbage instead of HTTP/2 ends the call', async (t) => {
  const { stream, other } = fakeBuilder(() => ({ raw: () => {} }))
  const transport = createTransport(stream, 'a.Service')
  stream.push(
    Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n this is no frame at all, and far too long for one'),
  )
  await fails(t, transport.unary('Get', Buffer.alloc(0)), CODE.unavailable)
  other.destroy()
})
