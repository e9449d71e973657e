// SPDX-License-Identifier: Apache-2.0
// A real engine behind a socket that dies: for good, all connections at once, as those of an engine break that is killed.
import { createServer, connect as open, type Socket } from 'node:net'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { connect } from '../../src/docker/index.js'
import { temporary } from './temporary.js'

/** When it dies: in the first request whose method and path fit. */
export interface Death {
  readonly request: RegExp
  /** After so many bytes more have gone to the engine; 0: the request itself does not get there. */
  readonly sent?: number
  /** After so many bytes have come from the engine, instead. */
  readonly received?: number
}

export interface EngineProxy {
  /** For DOCKER_HOST. */
  readonly address: string
  /** Whether it has died. */
  readonly isDead: () => boolean
}

const REQUEST = /^(?:GET|HEAD|POST|PUT|DELETE) \S+(?= HTTP\/)/

/** Starts one before the engine at hand; it ends with the test. */
export async function startEngineProxy(t: ExecutionContext, death: Death): Promise<EngineProxy> {
  const path = join(temporary(t), 'engine.sock')
  const engine = engineSocket()
  const sockets = new Set<Socket>()
  let dead = false
  const die = () => {
    dead = true
    server.close() // which removes the socket
    for (const socket of sockets) socket.destroy()
  }
  const server = createServer((client) => {
    const upstream = open(engine)
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one)
      one.on('error', () => {}) // its end says the same
      one.on('close', () => other.destroy())
      one.on('end', () => other.end())
    }
    let left: { sent: number; received: number } | undefined
    client.on('data', (chunk) => {
      const [line] = REQUEST.exec(chunk.toString('latin1')) ?? []
      const isMeant = left === undefined && line !== undefined && death.request.test(line)
      if (isMeant) {
        const { received, sent = received === undefined ? 0 : Number.POSITIVE_INFINITY } = death
        left = { sent, received: received ?? Number.POSITIVE_INFINITY }
      } else if (left !== undefined) left.sent -= chunk.length
      if (left !== undefined && left.sent <= 0) die()
      else upstream.write(chunk)
    })
    upstream.on('data', (chunk) => {
      if (left !== undefined) left.received -= chunk.length
      if (left !== undefined && left.received <= 0) die()
      else client.write(chunk)
    })
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.teardown(die)
  return { address: `unix://${path}`, isDead: () => dead }
}

function engineSocket(): string {
  const { address } = connect(process.env)
  if (address.startsWith('unix://')) return address.slice('unix://'.length)
  throw new Error(`the engine at ${address} is on no socket`)
}
