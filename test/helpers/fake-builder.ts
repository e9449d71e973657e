// SPDX-License-Identifier: Apache-2.0
// BuildKit's side of the connection to a frontend: an HTTP/2 server on any stream, with answers that a test chooses.
import { createServer, type ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import { duplexPair } from './duplex-pair.js'

/** An answer: the message, or a status that is not 0, or whatever a handler does to the raw stream. */
export type Answer =
  | { message: Uint8Array }
  | { code: number; text: string; details?: Uint8Array }
  | { raw: (stream: ServerHttp2Stream) => void }

export type Answers = (method: string, message: Buffer) => Answer | Promise<Answer>

/** Serves one connection; `calls` grows with every call. */
export function serve(stream: Duplex, answers: Answers): { calls: string[] } {
  const calls: string[] = []
  // BuildKit's server sends headers of any length.
  const server = createServer({ maxSendHeaderBlockLength: 2 ** 24 })
  // Tests break connections on purpose.
  server.on('sessionError', () => {})
  stream.on('error', () => {})
  server.on('session', (session) => session.on('error', () => {}))
  server.on('stream', (call, headers) => {
    call.on('error', () => {})
    const method = String(headers[':path']).split('/').at(-1) ?? ''
    const chunks: Buffer[] = []
    call.on('data', (chunk: Buffer) => chunks.push(chunk))
    call.on('end', async () => {
      calls.push(method)
      answer(call, await answers(method, Buffer.concat(chunks).subarray(5)))
    })
  })
  server.emit('connection', stream)
  return { calls }
}

/** A stream whose other end is such a server. */
export function fakeBuilder(answers: Answers): { stream: Duplex; other: Duplex; calls: string[] } {
  const [stream, other] = duplexPair()
  return { stream, other, ...serve(other, answers) }
}

function answer(call: ServerHttp2Stream, given: Answer): void {
  if ('raw' in given) {
    given.raw(call)
    return
  }
  const head = { ':status': 200, 'content-type': 'application/grpc' }
  if ('code' in given) {
    const details = given.details && Buffer.from(given.details).toString('base64').replace(/=+$/, '')
    call.respond(
      {
        ...head,
        'grpc-status': String(given.code),
        'grpc-message': encodeURIComponent(given.text),
        ...(details === undefined ? {} : { 'grpc-status-details-bin': details }),
      },
      { endStream: true },
    )
    return
  }
  call.respond(head, { waitForTrailers: true })
  call.on('wantTrailers', () => call.sendTrailers({ 'grpc-status': '0' }))
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(given.message.length, 1)
  call.end(Buffer.concat([prefix, given.message]))
}
