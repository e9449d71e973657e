// SPDX-License-Identifier: Apache-2.0
import { buffer } from 'node:stream/consumers'
import test from 'ava'
import { connect, statusOf } from '../../../src/docker/index.js'
import { refuse, startFakeEngine } from '../../helpers/fake-engine.js'

const SUBJECT = 'thing'

test('query, body and answer are passed', async (t) => {
  const { connection, calls } = await startFakeEngine(t, () => ({ ok: true }))
  const request = {
    method: 'POST',
    path: '/a/b',
    query: { x: '1 &' },
    body: { y: [2] },
    subject: SUBJECT,
  } as const
  t.deepEqual(await connection.json(request), { ok: true })
  t.is(calls[0]?.what, 'POST /a/b')
  t.is(calls[0]?.query.get('x'), '1 &')
  t.deepEqual(JSON.parse(String(calls[0]?.body)), { y: [2] })
})

test('a tar is sent as it is', async (t) => {
  const { connection, calls } = await startFakeEngine(t, () => ({}))
  const tar = Buffer.alloc(3000, 1)
  await connection.send({ method: 'PUT', path: '/a', tar, subject: SUBJECT })
  t.deepEqual(calls[0]?.body, tar)
})

test('an empty answer is no value', async (t) => {
  const { connection } = await startFakeEngine(t, (_, response) => {
    response.statusCode = 204
    response.end()
    return undefined
  })
  t.is(await connection.json({ method: 'POST', path: '/a', subject: SUBJECT }), undefined)
})

test("a refusal carries the engine's words and status", async (t) => {
  const { connection } = await startFakeEngine(t, (_, response) => refuse(response, 409, 'it is - in use'))
  const error = await t.throwsAsync(connection.json({ method: 'GET', path: '/a', subject: SUBJECT }), {
    code: 'ENGINE_FAILED',
    message: 'thing: it is - in use',
  })
  t.is(statusOf(error), 409)
})

test('an answer that is no JSON is a failure of the engine', async (t) => {
  const { connection } = await startFakeEngine(t, (_, response) => {
    response.end('<html>')
    return undefined
  })
  await t.throwsAsync(connection.json({ method: 'GET', path: '/a', subject: SUBJECT }), {
    code: 'ENGINE_FAILED',
  })
})

test('no socket means no engine', async (t) => {
  const connection = connect({ DOCKER_HOST: 'unix:///nonexistent/engine.sock' })
  await t.throwsAsync(connection.json({ method: 'GET', path: '/version', subject: SUBJECT }), {
    code: 'ENGINE_UNREACHABLE',
    message: /unix:\/\/\/nonexistent\/engine\.sock/,
  })
})

test('an engine that dies before it answers ends the call', async (t) => {
  const engine = await startFakeEngine(t, () => {
    engine.kill()
    return undefined
  })
  await t.throwsAsync(engine.connection.json({ method: 'GET', path: '/a', subject: SUBJECT }), {
    code: 'ENGINE_UNREACHABLE',
  })
})

test('an engine that dies while it answers ends the call', async (t) => {
  const engine = await startFakeEngine(t, (_, response) => {
    response.write('{"half":', () => engine.kill())
    return undefined
  })
  await t.throwsAsync(engine.connection.json({ method: 'POST', path: '/a', subject: SUBJECT }), {
    code: 'ENGINE_UNREACHABLE',
  })
})

test('an engine that dies while it streams ends the stream with an error', async (t) => {
  const engine = await startFakeEngine(t, (_, response) => {
    response.write('half', () => engine.kill())
    return undefined
  })
  const read = async () =>
    buffer(await engine.connection.stream({ method: 'GET', path: '/a', subject: SUBJECT }))
  await t.throwsAsync(read(), { code: 'ENGINE_UNREACHABLE' })
})

test('a stream that is destroyed ends the call at the engine', async (t) => {
  const closed = new Promise<void>((resolve) => {
    startFakeEngine(t, (_, response) => {
      response.on('close', resolve)
      response.write('more to come')
      return undefined
    }).then(async ({ connection }) => {
      const stream = await connection.stream({ method: 'GET', path: '/a', subject: SUBJECT })
      stream.destroy()
    })
  })
  await t.notThrowsAsync(closed)
})
