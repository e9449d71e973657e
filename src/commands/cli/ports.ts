// SPDX-License-Identifier: Apache-2.0
import type { RuntimeName } from '../../engine/local/index.js'
import type { Archiver, Engine, ImageRoot, ImageStore, IndexStore } from '../../ports/index.js'
import { present } from '../../util/present.js'

/** The outside world as the use cases see it. */
export interface Ports {
  store: ImageStore
  engine: Engine
  archiver: Archiver
  /** The store again, where names may stand for an index. */
  index?: IndexStore
}

/** What decides which implementations are used. */
export interface PortsRequest {
  /** The image that is worked on: the name of one in the engine, or a location. */
  reference?: string
  /** Where a new image goes, if it goes elsewhere. */
  output?: string
  /** Runs images of locations; absent: the first that works. */
  runtime?: RuntimeName
  /** Ends what takes long in the engine. */
  signal?: AbortSignal
  /** Which image of several is meant; absent: the one for this machine. */
  platform?: string
}

/**
 * Builds the ports: the one place that knows which engine, store and archiver are used. Nothing is connected
 * yet. Loaded on demand, since help and usage errors should not wait for an engine's client.
 */
export async function openPorts(request: PortsRequest = {}): Promise<Ports> {
  const { createArchiver } = await import('../../archive/archiver.js')
  const { isLocation } = await import('../../image/location.js')
  const images = isLocation(request.reference ?? '')
    ? await openLocations(request)
    : await openEngine(request)
  return { ...images, archiver: createArchiver() }
}

async function openEngine({ output }: PortsRequest): Promise<Pick<Ports, 'store' | 'engine'>> {
  const [{ DockerImageStore }, { DockerEngine }, { ImageNames }] = await Promise.all([
    import('../../store/docker-daemon/index.js'),
    import('../../engine/docker/index.js'),
    import('../../image/names.js'),
  ])
  const names = new ImageNames()
  const store = new DockerImageStore(undefined, names)
  const engine = new DockerEngine(undefined, names)
  if (output === undefined) return { store, engine }
  const { ExportStore } = await import('../../store/locations/index.js')
  return { store: new ExportStore(store), engine }
}

async function openLocations({ runtime, platform, signal }: PortsRequest): Promise<Omit<Ports, 'archiver'>> {
  const [{ LocationStore }, { LocalEngine }, { parsePlatform }, { DockerImageStore }, { ImageNames }] =
    await Promise.all([
      import('../../store/locations/index.js'),
      import('../../engine/local/index.js'),
      import('../../oci/index.js'),
      import('../../store/docker-daemon/index.js'),
      import('../../image/names.js'),
    ])
  const names = new ImageNames()
  const store = new LocationStore({
    names,
    ...(platform === undefined ? {} : { platform: parsePlatform(platform) }),
    // Connected only when an image goes to an engine.
    load: (archive, subject) => new DockerImageStore().load(archive, subject),
  })
  const contents = (image: string) => store.contents(image)
  const engine = new LocalEngine({ contents, names, ...present({ runtime, signal }) })
  return { store, index: store, engine }
}

/** The same for a bake in place: the root file system of this process, and an engine that starts processes in it. */
export async function openRoot(
  user?: string,
): Promise<{ root: ImageRoot; engine: Engine; archiver: Archiver }> {
  const [{ CurrentRoot, trainee }, { ProcessEngine }, { createArchiver }] = await Promise.all([
    import('../../in-place/index.js'),
    import('../../engine/process/index.js'),
    import('../../archive/archiver.js'),
  ])
  const root = new CurrentRoot()
  const engine = new ProcessEngine({
    environment: root.environment,
    changes: async () => new Set((await root.changes()).map(({ path }) => path)),
    ...(user ? { user: trainee(user, root.environment) } : {}),
  })
  return { root, engine, archiver: createArchiver() }
}
