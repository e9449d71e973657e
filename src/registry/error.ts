// SPDX-License-Identifier: Apache-2.0
// From what registries and sockets say to what a user can act on. Nothing that was sent is repeated: the address of a
// redirection can be as good as a password, and so can whatever a registry repeats of a request.
import { type ErrorCode, PycdsError } from '../errors/index.js'
import { printable } from '../util/printable.js'
import type { Secrets } from './secrets.js'

/** A reply with a status that means failure. */
export class RegistryReply extends Error {
  override readonly name = 'RegistryReply'
  readonly status: number

  /** @param text what the registry says, without anything secret */
  constructor(status: number, text: string) {
    super(text === '' ? `HTTP ${status}` : `HTTP ${status}: ${text}`)
    this.status = status
  }
}

/** A connection that could not be made, or that broke. */
export class ConnectionFailure extends Error {
  override readonly name = 'ConnectionFailure'
  /** As sockets and the TLS library name it. */
  readonly code: string

  constructor(code: string, text: string) {
    super(text)
    this.code = code
  }
}

const MAX_TEXT = 200

/**
 * What a registry says in the body of a reply: its codes and their messages, fit for a terminal; nothing of other documents,
 * and nothing secret, in whatever form it was written there.
 */
export function sayingOf(body: string, secrets: Secrets): string {
  try {
    const { errors } = JSON.parse(body) as { errors?: { code?: unknown; message?: unknown }[] }
    const [first] = Array.isArray(errors) ? errors : []
    const parts = [first?.code, first?.message].filter((part) => typeof part === 'string' && part !== '')
    return printable(secrets.redact(parts.join(': '))).slice(0, MAX_TEXT)
  } catch {
    return ''
  }
}

/** The status of the reply that led to an error. */
export function statusOf(error: unknown): number | undefined {
  const cause = error instanceof PycdsError ? error.cause : error
  return cause instanceof RegistryReply ? cause.status : undefined
}

/** An error about a registry or something in it. */
export function registryError(
  code: Extract<ErrorCode, 'REGISTRY_UNREACHABLE' | 'REGISTRY_REFUSED' | 'IMAGE_NOT_FOUND'>,
  message: string,
  hint: string,
  cause?: unknown,
): PycdsError {
  return new PycdsError(code, { message, hint, ...(cause === undefined ? {} : { cause }) })
}

/** Certificates that are not trusted, by the names that the TLS library has for it. */
const UNTRUSTED =
  /^(?:CERT_|ERR_TLS_CERT|DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED_CERT|UNABLE_TO_|ERR_SSL_TLSV1_ALERT_UNKNOWN_CA)/
/** What a client of TLS finds where a server speaks something else. */
const NO_TLS =
  /^(?:EPROTO|ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNKNOWN_PROTOCOL|RECORD_LAYER_FAILURE|UNSUPPORTED_PROTOCOL))$/

/** What a client of HTTP finds where a server speaks something else, or breaks off. */
const ILL_SPOKEN = /^(?:HPE_|UND_ERR_(?:RES_|RESPONSE|HEADERS_OVERFLOW)|SHORT$)/

/** Whether the failure of a connection shows that the server does not speak TLS. */
export function speaksNoTls(error: unknown): boolean {
  return error instanceof ConnectionFailure && NO_TLS.test(error.code)
}

/** Whether a certificate is not trusted, in the words of a socket or in ours. */
export function isUntrusted(error: unknown): boolean {
  return error instanceof Error && UNTRUSTED.test(String((error as NodeJS.ErrnoException).code))
}

/** REGISTRY_UNREACHABLE for a connection that failed as often as it was tried. */
export function unreachable(host: string, failure: ConnectionFailure): PycdsError {
  const hint = isUntrusted(failure)
    ? `Put the certificate of its authority into /etc/containers/certs.d/${host}/ca.crt; docs/registries.md has more ways.`
    : speaksNoTls(failure)
      ? `It does not speak TLS: name it as insecure in registries.conf if that is meant (docs/registries.md).`
      : 'Check its name, the network and the proxy; try again later.'
  const what = ILL_SPOKEN.test(failure.code)
    ? 'its answers are not those of a registry'
    : 'it cannot be reached'
  return registryError('REGISTRY_UNREACHABLE', `registry ${host}: ${what}`, hint, failure)
}

/** A reply that means failure, for something that was asked of a registry. */
export function refused(subject: string, host: string, reply: RegistryReply): PycdsError {
  const { status } = reply
  if (status === 404) {
    const message = `${subject}: registry ${host} has it not`
    return registryError('IMAGE_NOT_FOUND', message, 'Check the name of the repository and the tag.', reply)
  }
  if (status === 429 || status >= 500) {
    const why = status === 429 ? 'it limits how often it may be asked' : 'it has a failure of its own'
    return registryError(
      'REGISTRY_UNREACHABLE',
      `${subject}: registry ${host} does not serve it: ${why}`,
      'Try again later, or use a mirror (docs/registries.md).',
      reply,
    )
  }
  return registryError(
    'REGISTRY_REFUSED',
    `${subject}: registry ${host} refuses it`,
    'Check that the registry allows this, and its own log.',
    reply,
  )
}
