// SPDX-License-Identifier: Apache-2.0

/** The launcher of the tool image puts this before the names of variables that would disturb its own libraries. */
const KEPT = 'PYCDS_KEPT_'

/** Names what the launcher has added. */
const ADDED = 'PYCDS_ADDED'

/** The environment that the launcher was started with, to be given to programs of the image. */
export function originalEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const added = [ADDED, ...(env[ADDED] ?? '').split(' ')]
  const original: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !added.includes(name))
      original[name.startsWith(KEPT) ? name.slice(KEPT.length) : name] = value
  }
  return original
}
