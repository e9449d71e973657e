// SPDX-License-Identifier: Apache-2.0
// Requests about one repository: where they go at an endpoint, and what they are allowed by.
import type { Scope } from './authorization.js'
import type { Endpoint } from './endpoint.js'
import type { HttpReply } from './transport.js'

/** Bytes of any document. */
export const DOCUMENT_LIMIT = 16 * 1024 * 1024

/** Where a repository is spoken to. */
export interface RepositoryEndpoints {
  /** Asked first, for reading. */
  readonly mirrors: readonly Endpoint[]
  readonly primary: Endpoint
}

export interface Asked {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT'
  /** Behind the name of the repository. */
  readonly path: string
  /** What is to be done, as scopes have it. */
  readonly actions: 'pull' | 'pull,push'
  readonly further?: readonly Scope[]
  readonly expect: readonly number[]
  /** What it is for, as it starts an error message. */
  readonly subject: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
}

/** Asks about the repository that an endpoint is for; errors as {@link Endpoint.ask}. */
export function ask(endpoint: Endpoint, asked: Asked): Promise<HttpReply> {
  const { path, actions, further, ...rest } = asked
  return endpoint.ask({ ...rest, ...addressOf(endpoint, asked) })
}

/** The same for a document, which is read. */
export function read(endpoint: Endpoint, asked: Asked): Promise<{ reply: HttpReply; bytes: Buffer }> {
  const { path, actions, further, ...rest } = asked
  return endpoint.read({ ...rest, ...addressOf(endpoint, asked) }, DOCUMENT_LIMIT)
}

/** Where something of the repository is at an endpoint, and the scopes that it takes. */
export function addressOf(
  { place }: Endpoint,
  { path, actions, further = [] }: Pick<Asked, 'path' | 'actions' | 'further'>,
): { target: string; scopes: readonly Scope[] } {
  return {
    target: `/v2/${place.path}/${path}`,
    scopes: [`repository:${place.path}:${actions}`, ...further],
  }
}

/** Something in a repository, as it starts an error message. */
export function within(subject: string, reference: string): string {
  return `${subject}${reference.startsWith('sha256:') ? '@' : ':'}${reference}`
}
