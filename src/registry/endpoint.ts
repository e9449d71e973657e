// SPDX-License-Identifier: Apache-2.0
// Requests about one repository at one place: authorized, and repeated while that can help.
import { Readable } from 'node:stream'
import type { PycdsError } from '../errors/index.js'
import type { Authorization, Scope } from './authorization.js'
import type { Place } from './configuration.js'
import { ConnectionFailure, RegistryReply, refused, registryError, unreachable } from './error.js'
import { hostOf } from './name.js'
import { isPassing, mayRecover, type Patience, type Patient, persist, readAnswer, waitFor } from './retry.js'
import type { HttpReply, HttpRequest, Transport } from './transport.js'

const ERROR_LIMIT = 64 * 1024

export interface EndpointRequest extends HttpRequest {
  /** What it is for, as it starts an error message. */
  readonly subject: string
  readonly scopes: readonly Scope[]
  /** Statuses that are answers; all others are errors. */
  readonly expect: readonly number[]
  /** Send it once: whoever asks repeats it in another way. */
  readonly once?: boolean
}

export class Endpoint {
  readonly place: Place
  readonly #transport: Transport
  readonly #authorization: Authorization
  readonly #patience: Patience
  readonly #signal: AbortSignal | undefined

  constructor(
    place: Place,
    o: { transport: Transport; authorization: Authorization; patience: Patience; signal?: AbortSignal },
  ) {
    this.place = place
    this.#transport = o.transport
    this.#authorization = o.authorization
    this.#patience = o.patience
    this.#signal = o.signal
  }

  get patience(): Patience {
    return this.#patience
  }

  /** Waits before another attempt of what was sent once. */
  wait(attempt: number): Promise<void> {
    return waitFor(this.#patience, attempt, undefined, this.#signal)
  }

  /**
   * Asks, and gives the reply when its status is one of those expected.
   * @throws REGISTRY_UNREACHABLE, REGISTRY_REFUSED or IMAGE_NOT_FOUND; with `once` also {@link ConnectionFailure} and
   * {@link RegistryReply}, for what may pass
   */
  async ask(request: EndpointRequest): Promise<HttpReply> {
    const { subject, scopes, expect } = request
    let isNew = true
    for (;;) {
      const { reply, wasShown } = await this.#send(request)
      if (expect.includes(reply.status)) return reply
      if (reply.status === 401 && reply.foreignHost !== undefined) {
        await reply.dump()
        throw this.#foreign(subject, reply.foreignHost)
      }
      if (reply.status === 401 && isNew) {
        isNew = false
        await reply.dump()
        const isHopeful = await this.#authorization.learn(reply, scopes, wasShown)
        if (!isHopeful) throw await this.#authorization.refusal(subject, '')
        // A stream has been read by now: whoever made it can make another one.
        if (request.body instanceof Readable) throw new RegistryReply(reply.status, '')
        continue
      }
      const saying = await reply.saying(ERROR_LIMIT).catch(() => '')
      if (reply.status === 401 || reply.status === 403)
        throw await this.#authorization.refusal(subject, saying)
      const failure = new RegistryReply(reply.status, saying)
      if (request.once === true && isPassing(reply.status)) throw failure
      throw refused(subject, hostOf(this.place.registry), failure)
    }
  }

  /** Asks for a document of at most `limit` bytes, and reads it. */
  read(request: EndpointRequest, limit: number): Promise<{ reply: HttpReply; bytes: Buffer }> {
    return readAnswer(this.#patient, () => this.ask(request), limit)
  }

  /** Credentials are for the registry: nobody else is shown any, whatever it asks for. */
  #foreign(subject: string, host: string): PycdsError {
    return registryError(
      'REGISTRY_REFUSED',
      `${subject}: registry ${hostOf(this.place.registry)} sends on to ${host}, which asks for credentials`,
      'Check the registry, and the proxies before it: where it sends on to has to answer by itself.',
    )
  }

  get #patient(): Patient {
    return { host: hostOf(this.place.registry), patience: this.#patience, signal: this.#signal }
  }

  async #send(request: EndpointRequest): Promise<{ reply: HttpReply; wasShown: boolean }> {
    const { scopes, once, headers, expect } = request
    let wasShown = false
    const send = async () => {
      const authorization = await this.#authorization.header(scopes)
      wasShown = authorization !== undefined
      const shown = authorization === undefined ? headers : { ...headers, authorization }
      return await this.#transport.send(this.place, { ...request, ...(shown && { headers: shown }) })
    }
    const reply =
      once === true
        ? await this.#sendOnce(send)
        : await persist(this.#patient, send, (status) => !isPassing(status) || expect.includes(status))
    return { reply, wasShown }
  }

  async #sendOnce(send: () => Promise<HttpReply>): Promise<HttpReply> {
    try {
      return await send()
    } catch (error) {
      if (error instanceof ConnectionFailure && !mayRecover(error))
        throw unreachable(this.#patient.host, error)
      throw error
    }
  }
}
