// SPDX-License-Identifier: Apache-2.0
// Traces beside the images that they are of: whoever bakes an image finds what others have learned of it.
import { PycdsError } from '../errors/index.js'
import { formatTrace, type Trace } from '../learn/trace/trace-file.js'
import { parseTraceFile } from '../learn/trace/trace-reader.js'
import { mergeTraces } from '../learn/trace/traces.js'
import type { AttachmentStore } from '../ports/index.js'
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

/** Attaches a trace to an image. */
export async function pushTrace(
  { image, file, trace }: { image: string; file: string; trace: Trace },
  attachments: AttachmentStore,
): Promise<TracePushResult> {
  const digest = await attachments.attach(image, {
    artifactType: TRACE_TYPE,
    mediaType: TRACE_TYPE,
    content: Buffer.from(formatTrace(trace)),
    annotations: { 'org.opencontainers.image.title': 'trace.json' },
  })
  return { schema: 'io.pycds.trace-push/1', image, file, modules: trace.modules.length, digest }
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
