// SPDX-License-Identifier: Apache-2.0
// How connections with TLS come about. To read all that a machine trusts takes longer than to ask a registry: it is done for
// the first server whose certificate needs it.
import { createSecureContext } from 'node:tls'
import { buildConnector } from 'undici'
import type { TlsSettings } from './configuration.js'
import { isUntrusted } from './error.js'

export interface ConnectOptions {
  /** Certificates of unknown authorities are all right. */
  readonly insecure: boolean
  /** The server may turn out not to speak TLS, or to have a certificate that is only known in its own folder. */
  readonly isNear: boolean
  readonly timeoutMs: number
}

/**
 * Makes connections to one host. What is trusted is the same however often that takes: a certificate that the registry's own
 * authorities, or else Node's, do not vouch for is looked at again with all of them.
 */
export function connector(tls: TlsSettings, options: ConnectOptions): buildConnector.connector {
  const { insecure, isNear, timeoutMs } = options
  const make = (ca: readonly string[] | undefined) =>
    buildConnector({
      timeout: timeoutMs,
      rejectUnauthorized: !insecure,
      secureContext: createSecureContext({ ...tls.identity, ...(ca && { ca: [...ca] }) }),
    })
  // An empty list is one: nobody is trusted.
  let connect = make(insecure || isNear || tls.own.length > 0 ? tls.own : undefined)
  let isWide = insecure
  return (target, callback) => {
    const isLast = isWide
    connect(target, (...result) => {
      const [error] = result
      if (isLast || error === null || !isUntrusted(error)) return callback(...result)
      if (!isWide) connect = make(tls.all())
      isWide = true
      connect(target, callback)
    })
  }
}
