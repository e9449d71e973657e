// SPDX-License-Identifier: Apache-2.0
// Makes dist, which is what is published: one file for each verb and shared pieces, with everything in it that the program
// needs of its packages. Loading hundreds of files is what a start without this spends most of its time with, and most
// of what `npm` would install with dockerode is never used. Types are checked elsewhere (`npm run check:ts`).
//
//   node scripts/bundle.mjs
import { execFileSync } from 'node:child_process'
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Config } from '@oclif/core'
import { build } from 'esbuild'
import { ROOT } from './generated.mjs'

const SOURCES = join(ROOT, 'src')
const DIST = join(ROOT, 'dist')

/**
 * What packages load for calls that are never made here. Of dockerode: connections over SSH, sessions of BuildKit, files of
 * a build context. Of oclif: what looks for commands where there is no manifest, for settings outside of package.json, for
 * plugins; whether Linux runs on Windows; the check of Node's version, which package.json has. Each is replaced
 * by nothing. oclif looks for a TypeScript of its own, which it does without.
 */
const UNUSED = {
  '@oclif/core': ['tinyglobby', 'lilconfig', 'minimatch', 'semver', 'wsl-utils'],
  'docker-modem': ['ssh2'],
  dockerode: ['@grpc/grpc-js', '@grpc/proto-loader', 'tar-fs'],
}
const OPTIONAL = ['typescript']

/** Modules of CommonJS that were put into one of ES still call `require`. */
const REQUIRE =
  "import{createRequire as createRequireOfNode}from'node:module';const require=createRequireOfNode(import.meta.url);"

const withoutUnused = {
  name: 'without-unused',
  setup({ onResolve, onLoad }) {
    for (const [importer, names] of Object.entries(UNUSED)) {
      const filter = new RegExp(`^(${names.join('|')})$`)
      onResolve({ filter }, ({ path, importer: from }) =>
        from.includes(`/node_modules/${importer}/`) ? { path, namespace: 'unused' } : undefined,
      )
    }
    // The spinner is made as soon as stderr is a terminal, though nothing here spins it: oclif's plain form will do.
    onResolve({ filter: /^\.\/action\/spinner$/ }, ({ resolveDir }) => ({
      path: join(resolveDir, 'action/simple.js'),
    }))
    onLoad({ filter: /.*/, namespace: 'unused' }, () => ({ contents: 'module.exports = {}' }))
  },
}

/**
 * undici is one package for all that HTTP is used for: its caches, web sockets and clients of tests are more than half of it, and
 * loading them is most of what a command that asks a registry little would do.
 */
const PARTS_OF_UNDICI = `
  Object.assign(require('undici/lib/dispatcher/dispatcher.js').prototype, require('undici/lib/api/index.js'))
  exports.Agent = require('undici/lib/dispatcher/agent.js')
  exports.EnvHttpProxyAgent = require('undici/lib/dispatcher/env-http-proxy-agent.js')
  exports.buildConnector = require('undici/lib/core/connect.js')
`

const withPartsOfUndici = {
  name: 'with-parts-of-undici',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'parts' }))
    onLoad({ filter: /.*/, namespace: 'parts' }, () => ({ contents: PARTS_OF_UNDICI, resolveDir: ROOT }))
  },
}

const common = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  // Names stay as they are: what a stack trace says must be found in the sources.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  banner: { js: REQUIRE },
  external: OPTIONAL,
  plugins: [withoutUnused, withPartsOfUndici],
  logLevel: 'warning',
  metafile: true,
}

/** `trace-diff.ts` is the verb `trace diff`, for which oclif looks in a folder. */
function commandEntries() {
  const names = readdirSync(join(SOURCES, 'commands')).filter(
    (name) => name.endsWith('.ts') && name !== 'index.ts',
  )
  return names.map((name) => {
    const verb = basename(name, '.ts')
    return { in: join(SOURCES, 'commands', name), out: `commands/${verb.replaceAll('-', '/')}` }
  })
}

async function bundle() {
  rmSync(DIST, { recursive: true, force: true })
  const program = await build({
    ...common,
    entryPoints: [{ in: join(SOURCES, 'bin/run.ts'), out: 'bin/run' }, ...commandEntries()],
    outdir: DIST,
    splitting: true,
    chunkNames: 'pieces/[name]-[hash]',
  })
  chmodSync(join(DIST, 'bin/run.js'), 0o755)
  // A build waits for the frontend each time, also when everything else is cached: one file loads faster than two.
  const frontend = await build({
    ...common,
    entryPoints: [join(SOURCES, 'bin/frontend.ts')],
    outfile: join(DIST, 'bin/frontend.js'),
  })
  return [program, frontend]
}

/** What oclif would otherwise learn by loading every verb before it runs one. */
async function writeManifest() {
  const path = join(ROOT, 'oclif.manifest.json')
  rmSync(path, { force: true })
  const config = await Config.load({ root: ROOT, errorOnManifestCreate: true })
  const { manifest } = config.plugins.get(config.name)
  writeFileSync(path, `${JSON.stringify(manifest)}\n`)
}

/** What `--help` prints. In a process of its own, since oclif looks at the terminal as it is loaded. */
function writeHelp() {
  const env = { ...process.env, OCLIF_COLUMNS: '80', NO_COLOR: '1', FORCE_COLOR: '0' }
  execFileSync(process.execPath, [join(ROOT, 'scripts/help.mjs')], { env, stdio: 'inherit' })
}

/** The licences of the packages that are in the bundle. */
function writeNotices(results) {
  const inputs = results.flatMap(({ metafile }) => Object.keys(metafile.inputs))
  const folders = new Set(
    inputs.flatMap((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []),
  )
  const parts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'))
    const file = readdirSync(join(ROOT, folder)).find((one) => /^(licen[cs]e|copying)/i.test(one))
    const text = file
      ? readFileSync(join(ROOT, folder, file), 'utf8').trim()
      : 'No licence text is published with it.'
    return `${name} ${version} (${license})\n\n${text}\n`
  })
  const heading = 'dist contains code of these packages.\n'
  writeFileSync(join(DIST, 'NOTICES.txt'), [heading, ...new Set(parts)].join(`\n${'-'.repeat(80)}\n\n`))
}

writeNotices(await bundle())
await writeManifest()
writeHelp()
