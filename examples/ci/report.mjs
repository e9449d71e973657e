// SPDX-License-Identifier: Apache-2.0
// What bake.sh tells a job, from the results of its two commands.
//   node report.mjs output FOLDER     prints the location of the result; nothing where none was written
//   node report.mjs summary FOLDER    writes summary.md and outputs.env
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [what, folder = '.'] = process.argv.slice(2)
const read = (name) => JSON.parse(readFileSync(join(folder, name), 'utf8'))
const bake = read('bake.json')

if (what === 'output') process.stdout.write(`${bake.output?.reference ?? ''}\n`)
else summarise()

function summarise() {
  const verify = existsSync(join(folder, 'verify.json')) ? read('verify.json') : {}
  const rates = (verify.scenarios ?? []).map((scenario) => scenario.hitRate)
  // Nothing of these where the image was there already.
  const { layer, archive, start } = madeOf(bake)
  const outputs = {
    state: stateOf(bake),
    // Without the word in front, as other clients take it.
    image: (bake.output?.reference ?? '').replace(/^(registry:|docker:\/\/)/, ''),
    // What a registry knows the image by; of an engine, which has no manifests, the id.
    digest: bake.output?.manifestDigest ?? bake.output?.digest ?? bake.output?.id ?? '',
    layer: layer?.diffId ?? '',
    layer_bytes: layer?.bytes ?? '',
    modules: archive?.modules ?? '',
    speedup: start ? start.speedup.toFixed(2) : '',
    hit_rate: rates.length > 0 ? Math.min(...rates).toFixed(1) : '',
  }
  const lines = Object.entries(outputs).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(join(folder, 'outputs.env'), lines.join(''))
  const reason = verify.error?.message ?? 'nothing was started'
  const rows = [
    ['image', outputs.image === '' ? outputs.state : `\`${outputs.image}\`, ${outputs.state}`],
    ['hit rate', outputs.hit_rate === '' ? `not verified: ${reason}` : `${outputs.hit_rate} %`],
  ]
  if (archive) {
    const times = start && [start.before, start.after].map(({ medianMs }) => `${Math.round(medianMs)} ms`).join(', ')
    rows.push(
      ['start before, after', times ? `${times} (${outputs.speedup}x)` : 'not measured'],
      ['modules', `${outputs.modules} archived, ${archive.leftOut.length} left out`],
      ['layer', `${(outputs.layer_bytes / 1e6).toFixed(1)} MB`],
    )
  }
  const table = rows.map(([name, value]) => `| ${name} | ${value} |\n`).join('')
  writeFileSync(join(folder, 'summary.md'), `### pycds-image\n\n| | |\n| --- | --- |\n${table}\n`)
}

/** What was made; of several platforms for the one that was run. */
function madeOf({ platforms, ...one }) {
  if (!platforms) return one
  return (platforms.find(({ platform, trainedOn }) => platform === trainedOn) ?? platforms[0]).result
}

function stateOf({ schema, output }) {
  if (schema === 'io.pycds.unchanged/1') return 'unchanged'
  return output ? 'baked' : 'not written'
}
