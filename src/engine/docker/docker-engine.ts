// SPDX-License-Identifier: Apache-2.0
// Makes containers on a Docker compatible engine and answers for removing them all.
import { randomUUID } from 'node:crypto'
import { type Connection, connect, isPodman, readVersion, statusOf } from '../../docker/index.js'
import { PycdsError } from '../../errors/index.js'
import type { ImageNames } from '../../image/index.js'
import type { Container, ContainerSpec, Engine, EngineDescription } from '../../ports/index.js'
import { packTar } from '../../tar/index.js'
import { Creations } from '../../util/creations.js'
import { isAbandoned } from '../../util/owner.js'
import { filesPlace, OWNER_LABEL, RUN_LABEL, toCreateBody } from './create-body.js'
import { DockerContainer } from './docker-container.js'
import { startError } from './start-error.js'
import { surroundingsError } from './surroundings-error.js'
import { type EngineHost, isThisMachine } from './this-machine.js'

interface InfoReply extends EngineHost {
  readonly Driver?: string
}

interface ListedContainer {
  readonly Id: string
  readonly Labels?: Readonly<Record<string, string>> | null
}

/** The engine that the environment names. */
export class DockerEngine implements Engine {
  readonly #connection: Connection
  readonly #names: Pick<ImageNames, 'of'>
  readonly #runId = randomUUID()
  readonly #containers = new Set<string>()
  readonly #creations = new Creations()
  #swept: Promise<void> | undefined

  /** @param names for messages */
  constructor(connection: Connection = connect(), names: Pick<ImageNames, 'of'> = { of: (id) => id }) {
    this.#connection = connection
    this.#names = names
  }

  async describe(): Promise<EngineDescription> {
    const subject = 'engine'
    const version = await readVersion(this.#connection)
    const info = await this.#connection.json<InfoReply>({ method: 'GET', path: '/info', subject })
    return {
      name: isPodman(version) ? 'Podman' : 'Docker Engine',
      version: version.Version,
      apiVersion: version.ApiVersion,
      os: version.Os,
      architecture: version.Arch,
      storageDriver: info.Driver ?? 'unknown',
      endpoint: this.#connection.address,
      local: isThisMachine(this.#connection.address, info),
    }
  }

  async create(spec: ContainerSpec): Promise<Container> {
    if (spec.readOnly === true && spec.files.length > 0 && filesPlace(spec.files) === undefined) {
      throw new PycdsError('INTERNAL', {
        message: `container of ${this.#names.of(spec.image)}: files in several places cannot be put into a read-only root filesystem`,
        hint: 'This is a bug in pycds-image; please report it.',
      })
    }
    if (this.#creations.isClosed) throw interrupted(this.#names.of(spec.image))
    return this.#creations.make(() => this.#make(spec))
  }

  async remove(container: Container): Promise<void> {
    await this.#remove(container.id)
  }

  async removeAll(): Promise<void> {
    await this.#creations.close()
    // The engine's own list also has what was made by a call whose answer never arrived.
    const listed = await this.#list().catch((): string[] => [])
    const ids = new Set([...this.#containers, ...listed])
    const results = await Promise.allSettled([...ids].map((id) => this.#remove(id)))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  async #list(): Promise<string[]> {
    return (await this.#listed([`${RUN_LABEL}=${this.#runId}`])).map(({ Id }) => Id)
  }

  #listed(label: string[]): Promise<ListedContainer[]> {
    return this.#connection.json<ListedContainer[]>({
      method: 'GET',
      path: '/containers/json',
      query: { all: 'true', filters: JSON.stringify({ label }) },
      subject: 'containers of pycds-image',
    })
  }

  /** Removes containers of runs whose process was killed. That of others is not our failure. */
  async #sweep(): Promise<void> {
    try {
      const containers = await this.#listed([OWNER_LABEL])
      const abandoned = containers.filter(({ Labels }) => isAbandoned(Labels?.[OWNER_LABEL] ?? ''))
      await Promise.all(abandoned.map(({ Id }) => this.#remove(Id)))
    } catch {
      // The next run tries again.
    }
  }

  async #make(spec: ContainerSpec): Promise<Container> {
    this.#swept ??= this.#sweep()
    await this.#swept
    const subject = `image ${this.#names.of(spec.image)}`
    const id = await this.#post(spec)
    this.#containers.add(id)
    try {
      if (this.#creations.isClosed) throw interrupted(this.#names.of(spec.image))
      if (spec.files.length > 0) {
        await this.#connection.send({
          method: 'PUT',
          path: `/containers/${id}/archive`,
          ...(await putting(spec)),
          subject: `files for a container of ${this.#names.of(spec.image)}`,
        })
      }
      const program = spec.command?.[0] ?? (await this.#programOf(id, subject))
      const image = this.#names.of(spec.image)
      return new DockerContainer(this.#connection, { id, image, program, surroundings: spec })
    } catch (error) {
      // The first failure is the one to report; a container that stays is still in the set.
      await this.#remove(id).catch(() => {})
      throw error
    }
  }

  async #post(spec: ContainerSpec): Promise<string> {
    const subject = `image ${this.#names.of(spec.image)}`
    try {
      const { Id } = await this.#connection.json<{ Id: string }>({
        method: 'POST',
        path: '/containers/create',
        body: toCreateBody(spec, this.#runId),
        subject,
      })
      return Id
    } catch (error) {
      throw surroundingsError(error, spec) ?? startError(error, subject, spec.command?.[0])
    }
  }

  async #programOf(id: string, subject: string): Promise<string | undefined> {
    const path = `/containers/${id}/json`
    const found = await this.#connection.json<{ Path?: string }>({ method: 'GET', path, subject })
    return found.Path
  }

  async #remove(id: string): Promise<void> {
    try {
      await this.#connection.send({
        method: 'DELETE',
        path: `/containers/${id}`,
        query: { force: 'true', v: 'true' },
        subject: `container ${id.slice(0, 12)}`,
      })
    } catch (error) {
      // 404: gone. 409: somebody else is removing it.
      const status = statusOf(error)
      if (status !== 404 && status !== 409) throw error
    }
    this.#containers.delete(id)
  }
}

/** Where the files go, and the files as they are named there. */
async function putting({ files, readOnly }: ContainerSpec) {
  const path = (readOnly === true && filesPlace(files)) || '/'
  const inside = files.flatMap((file) => {
    const name = `/${file.name}`.slice(path === '/' ? 1 : path.length + 1)
    return name === '' ? [] : [{ ...file, name }]
  })
  return { query: { path }, tar: await packTar(inside) }
}

function interrupted(image: string): PycdsError {
  return new PycdsError('INTERRUPTED', {
    message: `container of ${image}: not made, the program is ending`,
    hint: 'Run the command again.',
  })
}
