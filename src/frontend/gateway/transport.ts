// SPDX-License-Identifier: Apache-2.0
// gRPC over a stream that exists already. BuildKit is the server on a frontend's standard input and output; libraries for
// gRPC want to open the connection themselves, and what is needed of the protocol is this file.
import { type ClientHttp2Session, connect, constants } from 'node:http2'
import { Duplex } from 'node:stream'
import { AnswerReader, frame } from './frames.js'
import { dropLongFields } from './long-headers.js'
import { type BuilderError, CODE, failure, statusFromHeaders } from './status.js'

export interface CallOptions {
  /** Without it a call may take as long as a build. */
  readonly timeoutMs?: number
}

/** Unary calls of one service. Every call rejects with a BuilderError, also when the connection breaks. */
export interface Transport {
  unary(method: string, message: Uint8Array, options?: CallOptions): Promise<Uint8Array>
}

/** Speaks HTTP/2 without TLS on the stream; calls name methods of the service `service`. */
export function createTransport(stream: Duplex, service: string): Transport {
  const incoming = stream.pipe(dropLongFields())
  const connection = Duplex.from({ readable: incoming, writable: stream })
  const session = connect('http://localhost', { createConnection: () => connection })
  let broken: BuilderError | undefined
  const breakWith = (reason: string) => {
    broken ??= failure(CODE.unavailable, `the connection to BuildKit ${reason}`)
  }
  // Without a listener an error would end the process; the calls under way report it.
  session.on('error', (error) => breakWith(`broke: ${error.message}`))
  session.on('close', () => breakWith('was closed'))
  stream.on('error', (error) => {
    breakWith(`broke: ${error.message}`)
    session.destroy()
  })
  incoming.on('end', () => session.destroy())
  return {
    unary: (method, message, options = {}) => {
      // A session may be over before it says so.
      if (session.destroyed) breakWith('was closed')
      if (broken) return Promise.reject(broken)
      return call(session, `/${service}/${method}`, message, options, () => broken)
    },
  }
}

function call(
  session: ClientHttp2Session,
  path: string,
  message: Uint8Array,
  options: CallOptions,
  broken: () => BuilderError | undefined,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const request = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: path,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
      [constants.HTTP2_HEADER_TE]: 'trailers',
    })
    const reader = new AnswerReader()
    let status: Readonly<Record<string, unknown>> = {}
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(
            () =>
              end(failure(CODE.deadlineExceeded, `BuildKit did not answer within ${options.timeoutMs} ms`)),
            options.timeoutMs,
          )
    const end = (error: unknown) => {
      clearTimeout(timer)
      if (!request.destroyed) request.close(constants.NGHTTP2_CANCEL)
      reject(error)
    }
    request.on('response', (headers) => {
      const http = headers[':status']
      if (http !== 200) end(failure(CODE.unknown, `BuildKit answered with HTTP status ${http}`))
      // An answer without a message has its status here.
      status = headers
    })
    request.on('trailers', (headers) => {
      status = headers
    })
    request.on('data', (chunk: Buffer) => {
      try {
        reader.add(chunk)
      } catch (error) {
        end(error)
      }
    })
    request.on('error', (error) => end(broken() ?? failure(CODE.unavailable, error.message)))
    // Message and trailers are complete only now.
    request.on('close', () => {
      try {
        if (status['grpc-status'] === undefined)
          throw broken() ?? failure(CODE.unavailable, 'BuildKit broke off')
        const error = statusFromHeaders(status)
        if (error) throw error
        resolve(reader.end())
      } catch (error) {
        reject(error)
      } finally {
        clearTimeout(timer)
      }
    })
    request.end(frame(message))
  })
}
