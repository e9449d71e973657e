// SPDX-License-Identifier: Apache-2.0
// What bake.sh tells a job, from the results of its two commands.
//   node report.mjs output FOLDER     prints the name of the result
//   node report.mjs summary FOLDER    writes summary.md and outputs.env
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [what, folder = '.'] = process.argv.slice(2)
const read = (name) => JSON.parse(readFileSync(join(folder, name), 'utf8'))
const bake = read('bake.json')

if (what === 'output') process.stdout.write(`${bake.output.reference}\n`)
else summarise()

function summarise() {
  const verify = read('verify.json')
  const rates = (verify.scenarios ?? []).map((scenario) => scenario.hitRate)
  const outputs = {
    image: bake.output.reference,
    digest: bake.output.id,
    layer: bake.layer.diffId,
    layer_bytes: bake.layer.bytes,
    modules: bake.archive.modules,
    speedup: bake.start ? bake.start.speedup.toFixed(2) : '',
    hit_rate: rates.length > 0 ? Math.min(...rates).toFixed(1) : '',
  }
  const lines = Object.entries(outputs).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(join(folder, 'outputs.env'), lines.join(''))
  const start = bake.start
    ? `${Math.round(bake.start.before.medianMs)} ms, ${Math.round(bake.start.after.medianMs)} ms (${outputs.speedup}x)`
    : 'not measured'
  const rows = [
    ['image', `\`${outputs.image}\``],
    ['start before, after', start],
    ['hit rate', outputs.hit_rate === '' ? `not verified: ${verify.error?.message ?? '?'}` : `${outputs.hit_rate} %`],
    ['modules', `${outputs.modules} archived, ${bake.archive.leftOut.length} left out`],
    ['layer', `${(outputs.layer_bytes / 1e6).toFixed(1)} MB`],
  ]
  const table = rows.map(([name, value]) => `| ${name} | ${value} |\n`).join('')
  writeFileSync(join(folder, 'summary.md'), `### pycds-image\n\n| | |\n| --- | --- |\n${table}\n`)
}
