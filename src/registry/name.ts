// SPDX-License-Identifier: Apache-2.0
// Where a repository is: the registry that a name means, and the host that answers for it.

/** A repository of a registry. */
export interface RepositoryName {
  /** Host with an optional port, as it is written in names. */
  readonly registry: string
  /** Below the registry. */
  readonly path: string
}

/** The registry of Docker Hub in names, and the host that speaks for it. */
const HUB = 'docker.io'
const HUB_HOST = 'registry-1.docker.io'
/** Other names of it in files with credentials. */
const HUB_NAMES: readonly string[] = [HUB, 'index.docker.io', HUB_HOST]

/** Splits `HOST[:PORT]/REPO`. */
export function parseRepository(text: string): RepositoryName {
  const slash = text.indexOf('/')
  return { registry: text.slice(0, slash), path: text.slice(slash + 1) }
}

/** Writes a repository the way {@link parseRepository} reads it. */
export function formatRepository({ registry, path }: RepositoryName): string {
  return `${registry}/${path}`
}

/** The host that is connected to. */
export function hostOf(registry: string): string {
  return HUB_NAMES.includes(registry) ? HUB_HOST : registry
}

/** The names under which files have the credentials of a registry. */
export function namesOf(registry: string): readonly string[] {
  return HUB_NAMES.includes(registry) ? HUB_NAMES : [registry]
}

/** Whether a host is this machine itself, so that nothing that is sent to it can be seen by others. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, '').toLowerCase()
  return name === 'localhost' || name === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(name)
}
