// SPDX-License-Identifier: Apache-2.0
import type { RuntimeName } from '../../engine/local/index.js'
import type {
  Archiver,
  AttachmentStore,
  Engine,
  ImageRoot,
  ImageStore,
  IndexStore,
  ListedImage,
  Ports,
} from '../../ports/index.js'
import type { Registries } from '../../registry/index.js'
import { present } from '../../util/present.js'

/** The outside world as the use cases see it, opened for a request. */
export interface OpenPorts extends Omit<Ports, 'progress' | 'signal'> {
  /** The store again, where names may stand for an index. */
  index?: IndexStore
  /** Ends what is still going on, when all is done. */
  close?(): Promise<void>
}

/** Where images are looked up by name, be it where new ones go. */
export interface Lookup {
  store: Pick<ImageStore, 'resolve'>
  index?: Pick<IndexStore, 'forPlatform'>
}

/** Where a source is looked up, and what has the name of the new image. */
export interface Lookups extends Lookup {
  outputs: Lookup
  /** Where one of the names is in a registry. */
  attachments?: AttachmentStore
  close(): Promise<void>
}

/** What decides which implementations are used. */
export interface PortsRequest {
  /** The image that is worked on: the name of one in the engine, or a location. */
  reference?: string
  /** Where a new image goes, if it goes elsewhere. */
  output?: string
  /** What the image is compared with. */
  baseline?: string
  /** Runs images of locations; absent: the first that works. */
  runtime?: RuntimeName
  /** Ends what takes long in the engine. */
  signal?: AbortSignal
  /** Which image of several is meant; absent: the one for this machine. */
  platform?: string
  /** Keeps what is read of registries; absent: only until the end. */
  cacheDirectory?: string
  /** Bytes that may stay in it. */
  cacheLimit?: number
}

/**
 * Builds the ports: the one place that knows which engine, store and archiver are used. Nothing is connected
 * yet. Loaded on demand, since help and usage errors should not wait for an engine's client.
 */
export async function openPorts(request: PortsRequest = {}): Promise<OpenPorts> {
  const { isLocation } = await import('../../image/location.js')
  const registries = await openRegistriesFor(request)
  const images = isLocation(request.reference ?? '')
    ? await openLocations(request, registries)
    : await openEngine(request, registries)
  const archiver = await openArchiver()
  if (registries === undefined) return { ...images, archiver }
  const attachments = await attachmentsOf(registries)
  return { ...images, archiver, ...present({ attachments }), close: () => registries.close() }
}

async function attachmentsOf(registries: Registries | undefined): Promise<AttachmentStore | undefined> {
  if (registries === undefined) return undefined
  const { RegistryAttachments } = await import('../../store/registry/index.js')
  return new RegistryAttachments(registries)
}

/** What writes and reads archives, alone. */
export async function openArchiver(): Promise<Archiver> {
  const { createArchiver } = await import('../../archive/archiver.js')
  return createArchiver()
}

/**
 * Opens what names are looked up with, and nothing that is only needed to make something: neither the engine's side nor the
 * archiver.
 */
export async function openLookups(request: PortsRequest): Promise<Lookups> {
  const { reference = '', output = reference } = request
  const registries = await openRegistriesFor(request)
  const [sources, outputs] = await Promise.all(
    [reference, output].map((one) => openLookup(one, request, registries)),
  )
  if (!sources || !outputs) throw new Error('nothing was opened')
  const attachments = await attachmentsOf(registries)
  return { ...sources, outputs, ...present({ attachments }), close: async () => await registries?.close() }
}

async function openLookup(
  name: string,
  { platform }: PortsRequest,
  registries: Registries | undefined,
): Promise<Lookup> {
  const { isLocation } = await import('../../image/location.js')
  if (!isLocation(name)) {
    const { DockerImageStore } = await import('../../store/docker-daemon/index.js')
    return { store: new DockerImageStore() }
  }
  const [{ LocationStore }, { parsePlatform }] = await Promise.all([
    import('../../store/locations/index.js'),
    import('../../oci/index.js'),
  ])
  const store = new LocationStore({
    ...present({ registries }),
    ...(platform === undefined ? {} : { platform: parsePlatform(platform) }),
  })
  return { store, index: store }
}

/** What registries are spoken to by, where an image of a request is in one. */
async function openRegistriesFor(request: PortsRequest): Promise<Registries | undefined> {
  const { parseLocation } = await import('../../image/location.js')
  const speaks = [request.reference, request.output, request.baseline].some(
    (one) => parseLocation(one ?? '')?.kind === 'registry',
  )
  return speaks ? await openRegistries(request) : undefined
}

/** The images that a pattern fits, wherever they lie. */
export async function listImages(
  pattern: string,
  request: PortsRequest = {},
): Promise<readonly ListedImage[]> {
  const { isInRegistry, isLocation } = await import('../../image/location.js')
  if (!isLocation(pattern)) {
    const { DockerImageStore } = await import('../../store/docker-daemon/index.js')
    return await new DockerImageStore().list(pattern)
  }
  if (!isInRegistry(pattern))
    return await (await import('../../store/locations/index.js')).listLocations(pattern)
  const { listRegistry } = await import('../../store/registry/index.js')
  const registries = await openRegistries(request)
  return await listRegistry(pattern, registries).finally(() => registries.close())
}

/** What registries are spoken to by. */
async function openRegistries({ cacheDirectory, cacheLimit, signal }: PortsRequest): Promise<Registries> {
  const { BlobCache, Registries } = await import('../../registry/index.js')
  const cache = new BlobCache(present({ directory: cacheDirectory, limitBytes: cacheLimit }))
  return new Registries({ env: process.env, cache, ...present({ signal }) })
}

/** Attachments of images in registries alone: no engine, and no store. */
export async function openAttachments(
  request: PortsRequest,
): Promise<{ attachments: AttachmentStore; close(): Promise<void> }> {
  const registries = await openRegistries(request)
  const { RegistryAttachments } = await import('../../store/registry/index.js')
  return { attachments: new RegistryAttachments(registries), close: () => registries.close() }
}

async function openEngine(
  { output, signal }: PortsRequest,
  registries: Registries | undefined,
): Promise<Pick<OpenPorts, 'store' | 'engine'>> {
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
  return { store: new ExportStore(store, present({ registries, signal })), engine }
}

async function openLocations(
  { runtime, platform, signal }: PortsRequest,
  registries: Registries | undefined,
): Promise<Omit<OpenPorts, 'archiver'>> {
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
    ...present({ registries, signal }),
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
