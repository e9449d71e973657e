// SPDX-License-Identifier: Apache-2.0
import type { Connection } from './connection.js'

/** What an engine tells of itself. */
export interface EngineVersion {
  readonly Version: string
  readonly ApiVersion: string
  readonly Os: string
  readonly Arch: string
  readonly Components?: readonly { readonly Name?: string }[] | null
}

/** Asks an engine what it is. */
export async function readVersion(connection: Connection): Promise<EngineVersion> {
  return await connection.json<EngineVersion>({ method: 'GET', path: '/version', subject: 'engine' })
}

/** Whether it is Podman, which answers as Docker does but for some habits. */
export function isPodman(version: EngineVersion): boolean {
  return (version.Components ?? []).some(({ Name }) => Name?.includes('Podman'))
}
