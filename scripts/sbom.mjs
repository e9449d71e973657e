// SPDX-License-Identifier: Apache-2.0
// Prints the SBOM of what is published, as CycloneDX: npm's own for the lock file, less what is not in the bundle. `npm`
// itself would leave out all of it, since an installation brings no packages.
//
//   node scripts/sbom.mjs
import { execFileSync } from 'node:child_process'
import { ROOT, read } from './generated.mjs'

/** `name@version` of each package that dist contains code of, as the bundler has written them down. */
function bundled() {
  const found = [...read('dist/NOTICES.txt').matchAll(/^(\S+) (\d+\.\S+) \(.*\)$/gm)]
  if (found.length === 0) throw new Error('dist/NOTICES.txt names no package: run npm run build')
  return new Set(found.map(([, name, version]) => `${name}@${version}`))
}

const names = bundled()
const text = execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'], {
  cwd: ROOT,
  encoding: 'utf8',
  maxBuffer: 2 ** 26,
})
const sbom = JSON.parse(text)
const isIn = ({ group, name, version }) => names.has(`${group ? `${group}/` : ''}${name}@${version}`)
const components = sbom.components.filter(isIn)
if (components.length !== names.size) {
  const lacking = names.size - components.length
  throw new Error(
    `npm sbom does not know ${lacking} of the packages in dist: is package-lock.json up to date?`,
  )
}
const kept = new Set([sbom.metadata.component['bom-ref'], ...components.map((one) => one['bom-ref'])])
const dependencies = sbom.dependencies
  .filter(({ ref }) => kept.has(ref))
  .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => kept.has(other)) }))
process.stdout.write(`${JSON.stringify({ ...sbom, components, dependencies }, undefined, 2)}\n`)
