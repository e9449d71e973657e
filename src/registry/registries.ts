// SPDX-License-Identifier: Apache-2.0
// All registries that one command speaks to: their connections, credentials and configuration, and what was read of them.
import { DOCUMENT_LIMIT } from './asked.js'
import { Authorization } from './authorization.js'
import type { BlobCache } from './blob-cache.js'
import { type Place, RegistryConfiguration } from './configuration.js'
import { findCredentials } from './credentials.js'
import { Endpoint } from './endpoint.js'
import { formatRepository, hostOf, type RepositoryName } from './name.js'
import { listPages } from './pages.js'
import { Repository } from './repository.js'
import { isPassing, PATIENCE, type Patience, persist, readAnswer } from './retry.js'
import { Secrets } from './secrets.js'
import { type HttpRequest, Transport } from './transport.js'

export interface RegistriesOptions {
  /** Credentials, certificates and proxies are found by it. */
  readonly env: NodeJS.ProcessEnv
  /** Keeps what was read. */
  readonly cache: BlobCache
  readonly signal?: AbortSignal
  readonly patience?: Patience
  /** Larger blobs are sent in pieces of so many bytes. */
  readonly pieceBytes?: number
}

/** A mirror that does not answer has the registry behind it. */
const MIRROR_ATTEMPTS = 2

export class Registries {
  readonly cache: BlobCache
  readonly #options: RegistriesOptions
  readonly #patience: Patience
  readonly #secrets = new Secrets()
  readonly #configuration: RegistryConfiguration
  readonly #transport: Transport
  readonly #repositories = new Map<string, Repository>()

  constructor(options: RegistriesOptions) {
    this.#options = options
    this.cache = options.cache
    this.#patience = options.patience ?? PATIENCE
    this.#configuration = new RegistryConfiguration(options.env)
    const { env, signal } = options
    this.#transport = new Transport({
      configuration: this.#configuration,
      secrets: this.#secrets,
      env,
      ...(signal === undefined ? {} : { signal }),
    })
  }

  /** The repository of a name; nothing is sent yet. */
  repository(name: RepositoryName): Repository {
    const key = formatRepository(name)
    const known = this.#repositories.get(key)
    if (known !== undefined) return known
    const { mirrors, primary } = this.#configuration.placesOf(name)
    const { pieceBytes } = this.#options
    const made = new Repository(name, {
      endpoints: {
        mirrors: mirrors.map((place) => this.#endpoint(place, MIRROR_ATTEMPTS)),
        primary: this.#endpoint(primary),
      },
      secrets: this.#secrets,
      ...(pieceBytes === undefined ? {} : { pieceBytes }),
    })
    this.#repositories.set(key, made)
    return made
  }

  /** The repositories of a registry, where it lists them; REGISTRY_REFUSED or IMAGE_NOT_FOUND where it does not. */
  async catalog(registry: string): Promise<string[]> {
    const endpoint = this.#endpoint({ registry, path: '', insecure: this.#isInsecure(registry) })
    const subject = `registry:${registry}: its repositories`
    const read = (target: string | undefined) =>
      endpoint.read(
        {
          method: 'GET',
          target: target ?? '/v2/_catalog?n=1000',
          expect: [200],
          subject,
          scopes: ['registry:catalog:*'],
          sameScheme: true,
        },
        DOCUMENT_LIMIT,
      )
    return await listPages(read, 'repositories', subject)
  }

  /** Closes all connections, and removes what was kept for this command alone. */
  async close(): Promise<void> {
    await this.#transport.close()
    await this.cache.close()
  }

  #isInsecure(registry: string): boolean {
    return this.#configuration.placesOf({ registry, path: '' }).primary.insecure
  }

  #endpoint(place: Place, attempts = this.#patience.attempts): Endpoint {
    const { env, signal } = this.#options
    const authorization = new Authorization(place, {
      read: (from, request, limit) => this.#read(from, request, limit),
      isPlain: (at) => this.#transport.isPlain(at),
      credentials: () => findCredentials(place, env, signal),
      secrets: this.#secrets,
      env,
    })
    return new Endpoint(place, {
      transport: this.#transport,
      authorization,
      patience: { ...this.#patience, attempts },
      ...(signal === undefined ? {} : { signal }),
    })
  }

  /** For tokens, which nothing authorizes. */
  #read(place: Place, request: HttpRequest, limit: number) {
    const { signal } = this.#options
    const patient = { host: hostOf(place.registry), patience: this.#patience, signal }
    const send = () => this.#transport.send(place, request)
    return readAnswer(patient, () => persist(patient, send, (status) => !isPassing(status)), limit)
  }
}
