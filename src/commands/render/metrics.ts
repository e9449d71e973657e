// SPDX-License-Identifier: Apache-2.0
// A run over several images in the text format of Prometheus, for the textfile collector of its node exporter.
import type { BakesResult, ImageOutcome } from '../../usecases/fleet/index.js'
import { bakesIn } from './bakes.js'

/** A family of metrics: what it is, and its samples as labels and values. */
interface Family {
  name: string
  help: string
  samples: readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[]
}

/**
 * Tells the outcome of a run.
 * @param finished seconds since 1970
 */
export function formatMetrics({ counts, images }: BakesResult, finished: number): string {
  const families: Family[] = [
    {
      name: 'pycds_images',
      help: 'Images of the last run, by what became of them.',
      samples: Object.entries(counts).map(([state, count]) => [{ state }, count]),
    },
    {
      name: 'pycds_run_finished_timestamp_seconds',
      help: 'When the last run ended.',
      samples: [[{}, finished]],
    },
    {
      name: 'pycds_image_ok',
      help: 'Whether the image was baked, or needed no bake, in the last run.',
      samples: images.map(({ name, state }) => [{ image: name }, state === 'failed' ? 0 : 1]),
    },
    {
      name: 'pycds_image_seconds',
      help: 'How long the image took when it was last baked.',
      samples: images.map(({ name, seconds }) => [{ image: name }, seconds]),
    },
    {
      name: 'pycds_layer_compressed_bytes',
      help: 'Size of the layer that was added, compressed.',
      samples: images.flatMap((image) =>
        bakesOf(image).map(({ labels, bake }) => [labels, bake.layer.compressedBytes] as const),
      ),
    },
    {
      name: 'pycds_start_seconds',
      help: 'Median of the timed starts before and after.',
      samples: images.flatMap((image) =>
        bakesOf(image).flatMap(({ labels, bake: { start } }) =>
          start === null
            ? []
            : [
                [{ ...labels, when: 'before' }, start.before.medianMs / 1000] as const,
                [{ ...labels, when: 'after' }, start.after.medianMs / 1000] as const,
              ],
        ),
      ),
    },
  ]
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(formatFamily)
    .join('')
}

/** The bakes of an image, each with its labels. */
function bakesOf({ name, result }: ImageOutcome) {
  const platforms =
    result?.schema === 'io.pycds.bake-platforms/1' ? result.platforms.map(({ platform }) => platform) : []
  return bakesIn(result).map((bake, at) => {
    const platform = platforms[at]
    return { bake, labels: { image: name, ...(platform === undefined ? {} : { platform }) } }
  })
}

function formatFamily({ name, help, samples }: Family): string {
  const lines = samples.map(([labels, value]) => `${name}${formatLabels(labels)} ${value}`)
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('\n')}\n`
}

function formatLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escapeValue(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}
