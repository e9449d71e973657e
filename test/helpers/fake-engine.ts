// SPDX-License-Identifier: Apache-2.0
// An engine that answers as a test tells it to: for what a real one does rarely, or not in this version.
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { type Connection, connect } from '../../src/docker/index.js'

/** A call as the engine got it. */
export interface Call {
  /** As `GET /images/x/json`, without the query. */
  readonly what: string
  readonly query: URLSearchParams
  readonly body: Buffer
}

export interface FakeEngine {
  readonly connection: Connection
  /** For DOCKER_HOST. */
  readonly address: string
  /** Everything that was asked so far. */
  readonly calls: Call[]
  /** Ends all connections at once, as an engine does that is killed. */
  kill(): void
}

/** Answers a call; what it does not answer with an object it answers through the response. */
export type Answer = (
  call: Call,
  response: ServerResponse,
) => object | undefined | Promise<object | undefined>

/** Starts an engine on a socket of its own; it ends with the test. */
export async function startFakeEngine(t: ExecutionContext, answer: Answer): Promise<FakeEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'pycds-engine-'))
  const socket = join(folder, 'engine.sock')
  const calls: Call[] = []
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://engine')
    const call = {
      what: `${request.method} ${url.pathname}`,
      query: url.searchParams,
      body: await read(request),
    }
    calls.push(call)
    const reply = await answer(call, response)
    if (reply !== undefined) response.end(JSON.stringify(reply))
  })
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  t.teardown(async () => {
    server.close()
    server.closeAllConnections()
    await rm(folder, { recursive: true })
  })
  const address = `unix://${socket}`
  const connection = connect({ DOCKER_HOST: address })
  return { connection, address, calls, kill: () => server.closeAllConnections() }
}

/** Answers with a failure, in the form of the engine's API. */
export function refuse(response: ServerResponse, status: number, message: string): object {
  response.statusCode = status
  return { message }
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
