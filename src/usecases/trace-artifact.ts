// SPDX-License-Identifier: Apache-2.0
// Traces beside the images that they are of: whoever bakes an image finds what others have learned of it.
import { PycdsError } from '../errors/index.js'
import { shortId } from '../image/index.js'
import { sourceOf } from '../layer/labels.js'
import { formatTrace, type Trace } from '../learn/trace/trace-file.js'
import { parseTraceFile } from '../learn/trace/trace-reader.js'
import { mergeTraces } from '../learn/trace/traces.js'
import type { AttachmentStore, ImageStore, IndexStore } from '../ports/index.js'
import { present } from '../util/present.js'
import { quote } from '../util/quote.js'

/** The type of a trace, as an artifact and as a document. */
const TRACE_TYPE = 'application/vnd.pycds.trace.v1+json'

export interface TracePushResult {
  schema: 'io.pycds.trace-push/1'
  image: string
  file: string
  modules: number
  /** Of the manifest that holds the trace. */
  digest: string
  warnings: string[]
}

export interface TracePullResult {
  schema: 'io.pycds.trace-pull/1'
  image: string
  /** The traces that were found, and their modules. */
  from: { digest: string; modules: number }[]
  modules: number
  /** Where the trace was written; null when it went to stdout. */
  output: string | null
}

/** Where the image of a trace is looked up, by a name that may stand for an index. */
export interface TracePushPorts {
  attachments: AttachmentStore
  store: Pick<ImageStore, 'resolve'>
  index?: Pick<IndexStore, 'forPlatform'>
}

/** Attaches a trace to an image; one of another image as well, with a warning, since builds of one application share them. */
export async function pushTrace(
  { image, file, trace }: { image: string; file: string; trace: Trace },
  { attachments, store, index }: TracePushPorts,
): Promise<TracePushResult> {
  const isForeign = await isOfAnother(trace, image, { store, ...present({ index }) })
  const digest = await attachments.attach(image, {
    artifactType: TRACE_TYPE,
    mediaType: TRACE_TYPE,
    content: Buffer.from(formatTrace(trace)),
    annotations: { 'org.opencontainers.image.title': 'trace.json' },
  })
  const warnings = isForeign
    ? [
        `trace ${file}: it is of another image (${trace.images.map(({ id }) => shortId(id)).join(', ')}) than ${image}: whoever bakes with it is told what differs`,
      ]
    : []
  return { schema: 'io.pycds.trace-push/1', image, file, modules: trace.modules.length, digest, warnings }
}

/** Whether the trace names images, and none of them goes by this name. What cannot be told is no. */
async function isOfAnother(
  trace: Trace,
  image: string,
  { store, index }: Omit<TracePushPorts, 'attachments'>,
): Promise<boolean> {
  const platforms = new Set(trace.images.map(({ platform }) => platform).filter((name) => name !== ''))
  const stores = index ? [...platforms].map((platform) => index.forPlatform(platform)) : [store]
  const ids = new Set<string>()
  for (const one of stores) {
    const found = await one.resolve(image).catch(absent)
    if (found === undefined) continue
    const { id, manifest, target, config } = found
    // An engine may call an image by its manifest; a bake goes with the traces of what it was made from.
    for (const name of [id, manifest, target, sourceOf(config)]) if (name !== undefined) ids.add(name)
  }
  return ids.size > 0 && trace.images.length > 0 && !trace.images.some(({ id }) => ids.has(id))
}

function absent(error: unknown): undefined {
  if (!(error instanceof PycdsError) || error.code !== 'IMAGE_NOT_FOUND') throw error
}

/** Reads the traces that are attached to an image, as one; TRACE_INVALID when there is none. */
export async function pullTrace(
  image: string,
  attachments: AttachmentStore,
): Promise<{ trace: Trace; result: Omit<TracePullResult, 'output'> }> {
  const documents = await attachments.read(image, TRACE_TYPE)
  const traces = documents.map(({ digest, content }) => {
    const name = `${image} (${digest})`
    return { name, digest, trace: parseTraceFile(name, content.toString('utf8')) }
  })
  const [first] = traces
  if (first === undefined) {
    throw new PycdsError('TRACE_INVALID', {
      message: `image ${image}: the registry has no trace of it`,
      hint: `Record one and put it there: pycds-image trace ${quote(image)} -o trace.json, then trace push trace.json ${quote(image)}.`,
    })
  }
  const trace = traces.length === 1 ? first.trace : mergeTraces(traces)
  return {
    trace,
    result: {
      schema: 'io.pycds.trace-pull/1',
      image,
      from: traces.map((one) => ({ digest: one.digest, modules: one.trace.modules.length })),
      modules: trace.modules.length,
    },
  }
}
