// SPDX-License-Identifier: Apache-2.0
// The one door to the engine's API. Calls use the unversioned path, so that the engine
// answers with the newest version it has; only what 1.41 and later agree on is used.
// All calls are streams below: an engine that dies in the middle of an answer must end
// the call, which the client library's buffered calls do not notice.
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { PassThrough } from 'node:stream'
import Docker from 'dockerode'
import { resolveEndpoint } from './endpoint.js'
import { EngineReply, engineError } from './failure.js'

/** One call of the engine's API. */
export interface EngineRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  /** Absolute, without query. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: object
  /** Sent as a tar. */
  readonly tar?: Buffer | Readable
  /** What the call is about, as it starts an error message: "image app:1". */
  readonly subject: string
}

/** Speaks to one engine. Every failure is a PycdsError whose cause is the engine's reply or the socket's error. */
export interface Connection {
  /** The engine's address, without credentials. */
  readonly address: string
  /** Makes a call and parses the JSON answer; undefined for an empty one. The engine's schema is trusted. */
  json<T>(request: EngineRequest): Promise<T>
  /** Makes a call whose answer has no content of interest. */
  send(request: EngineRequest): Promise<void>
  /** Makes a call and returns the named header of its answer. */
  header(request: EngineRequest, name: string): Promise<string | undefined>
  /** Makes a call and returns the content of the answer as it comes; destroy it to end the call. */
  stream(request: EngineRequest): Promise<Readable>
}

interface Modem {
  dial(options: object, callback: (error: unknown, response: unknown) => void): void
}

/** Prepares a connection to the engine that the environment names; nothing is sent yet. Throws USAGE. */
export function connect(env: NodeJS.ProcessEnv = process.env): Connection {
  const endpoint = resolveEndpoint(env)
  // Absent values are spelled out, or the library would take them from its own reading of the environment.
  const docker = new Docker({
    socketPath: endpoint.socketPath,
    host: endpoint.host,
    port: endpoint.port,
    protocol: endpoint.tls === undefined ? 'http' : 'https',
    ca: endpoint.tls?.ca,
    cert: endpoint.tls?.cert,
    key: endpoint.tls?.key,
    timeout: undefined,
  })
  return new ModemConnection(docker.modem as Modem, endpoint.address)
}

class ModemConnection implements Connection {
  readonly address: string
  readonly #modem: Modem

  constructor(modem: Modem, address: string) {
    this.#modem = modem
    this.address = address
  }

  async json<T>(request: EngineRequest): Promise<T> {
    const text = (await this.#read(request)).toString('utf8')
    if (text === '') return undefined as T
    try {
      return JSON.parse(text) as T
    } catch (error) {
      throw engineError(new Error('its answer is not JSON', { cause: error }), request.subject, this.address)
    }
  }

  async send(request: EngineRequest): Promise<void> {
    await this.#read(request)
  }

  async header(request: EngineRequest, name: string): Promise<string | undefined> {
    const response = await this.#dial(request)
    response.resume()
    const value = response.headers[name.toLowerCase()]
    return Array.isArray(value) ? value[0] : value
  }

  async stream(request: EngineRequest): Promise<Readable> {
    const response = await this.#dial(request)
    const output = new PassThrough()
    response.on('error', (error) => output.destroy(engineError(error, request.subject, this.address)))
    output.on('close', () => response.destroy())
    return response.pipe(output)
  }

  async #read(request: EngineRequest): Promise<Buffer> {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of await this.#dial(request)) chunks.push(chunk as Buffer)
    } catch (error) {
      throw engineError(error, request.subject, this.address)
    }
    return Buffer.concat(chunks)
  }

  async #dial(request: EngineRequest): Promise<IncomingMessage> {
    const options = {
      // The library appends the query behind a "?" at the end.
      path: `${request.path}?`,
      method: request.method,
      options: { _query: request.query ?? {}, _body: request.body ?? {} },
      ...(request.tar === undefined ? {} : { file: request.tar }),
      isStream: true,
      statusCodes: SUCCESS,
    }
    try {
      return await new Promise<IncomingMessage>((resolve, reject) => {
        this.#modem.dial(options, (error, response) => {
          if (error) reject(toReply(error))
          else resolve(response as IncomingMessage)
        })
      })
    } catch (error) {
      if (request.tar !== undefined && !Buffer.isBuffer(request.tar)) request.tar.destroy()
      throw engineError(error, request.subject, this.address)
    }
  }
}

/** Which statuses the library is to treat as answers. */
const SUCCESS: Readonly<Record<number, true>> = { 200: true, 201: true, 204: true, 304: true }

/** The library's error repeats the status in its text; ours keeps the engine's words apart. */
function toReply(error: unknown): unknown {
  const { statusCode, message } = error as { statusCode?: number; message?: string }
  if (statusCode === undefined) return error
  return new EngineReply(statusCode, (message ?? '').replace(/^\(HTTP code \d+\) .*? - /s, '').trim())
}
