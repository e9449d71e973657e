// SPDX-License-Identifier: Apache-2.0
// What BuildKit tells a frontend by environment variables, before a word is spoken on the connection.

/** The options of a build by name: `target`, `build-arg:X`, `platform`, `filename`, `source`, `cmdline`... */
export type Options = ReadonlyMap<string, string>

/** How this build was asked for. */
export interface Request {
  readonly options: Options
  /** The client's session: local files come from it. */
  readonly session: string
  /** Where the builder keeps the graph of the frontend's own image. */
  readonly metadataDirectory: string
}

const OPTION = /^BUILDKIT_FRONTEND_OPT_\d+$/

/** Reads the request; undefined when the process was not started by BuildKit. */
export function readRequest(env: NodeJS.ProcessEnv): Request | undefined {
  const session = env.BUILDKIT_SESSION_ID
  if (session === undefined) return undefined
  const options = new Map<string, string>()
  for (const [variable, text = ''] of Object.entries(env)) {
    if (!OPTION.test(variable)) continue
    const at = text.indexOf('=')
    if (at < 0) options.set(text, '')
    else options.set(text.slice(0, at), text.slice(at + 1))
  }
  return { options, session, metadataDirectory: '/run/config/buildkit/metadata' }
}
