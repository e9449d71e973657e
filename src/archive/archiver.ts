// SPDX-License-Identifier: Apache-2.0
// The typed view of the native archiver and reader: the Archiver port.
import { PycdsError } from '../errors/index.js'
import type {
  ArchiveDescription,
  Archiver,
  ArchiveTarget,
  CachedResults,
  ElfIdentity,
  ModuleCode,
  WrittenArchive,
} from '../ports/index.js'
import { IDENTITY_KINDS, SOURCE_MODES, VALIDATE } from '../util/format-names.js'
import { encodeText } from '../util/surrogates.js'
import { loadBinding, nativeFile, readInjected } from './binding.js'
import type { NativeArchive, NativeBinding, NativeModule } from './native.js'
import type { RejectReason } from './reject-reasons.js'

/** The one architecture whose interpreters can be frozen. */
const FREEZABLE = 'x64'
/** Any file that a user has named by mistake is refused so. */
const NOT_AN_ARCHIVE: RejectReason = 'NOT_AN_ARCHIVE'

/**
 * The archiver of this package; INTERNAL when its native part cannot be loaded.
 * @param native another build of that part
 */
export function createArchiver(native: NativeBinding = loadBinding()): Archiver {
  return {
    supportedVersions: () => native.supportedVersions(),
    identify: (file) => identify(native, file),
    write: (target, modules, info, cached) => write(native, target, modules, info, cached),
    describe: (name, bytes) => describe(name, native.readArchive(bytes)),
    injected: (architecture) => ({
      runtime: readInjected(architecture, '_pycds.abi3.so'),
      tracer: readInjected(architecture, 'pycds-tracer.so'),
      probe: readInjected(architecture, 'pycds-probe'),
      tracerPath: nativeFile(architecture, 'pycds-tracer.so'),
      probePath: nativeFile(architecture, 'pycds-probe'),
      scripts: {
        import: readInjected(architecture, 'import.py'),
        compile: readInjected(architecture, 'compile.py'),
      },
    }),
    freezer: (architecture) =>
      architecture === FREEZABLE
        ? {
            freeze: readInjected(architecture, 'pycds-freeze.so'),
            watch: readInjected(architecture, 'pycds-watch.so'),
          }
        : undefined,
    launcher: (architecture) => readInjected(architecture, 'pycds-start'),
  }
}

function identify(native: NativeBinding, file: Buffer): ElfIdentity | undefined {
  const { kind, machine, identity } = native.identify(file)
  const name = IDENTITY_KINDS[kind]
  return name ? { kind: name, machine, hex: identity.toString('hex') } : undefined
}

function write(
  native: NativeBinding,
  target: ArchiveTarget,
  modules: readonly ModuleCode[],
  info: unknown,
  cached: CachedResults = { regexes: [], sources: [] },
): WrittenArchive {
  const result = native.writeArchive(
    {
      hexversion: target.hexversion,
      machine: target.identity.machine,
      validate: VALIDATE.indexOf(target.validate),
      optimize: target.optimize,
      identityKind: IDENTITY_KINDS.indexOf(target.identity.kind),
      identity: Buffer.from(target.identity.hex, 'hex'),
      magic: target.magic,
      files: encodeText((target.files ?? []).map((path) => `${path}\0`).join('')),
    },
    modules.map(toNative),
    {
      regexes: cached.regexes,
      sources: cached.sources.map((source) => ({ ...source, mode: SOURCE_MODES.indexOf(source.mode) })),
    },
    Buffer.from(JSON.stringify(info)),
  )
  const leftOut = modules.flatMap((module, index) => {
    const reason = result.modules[index]?.leftOut
    return reason ? [{ name: module.name, reason }] : []
  })
  return { bytes: result.archive, modules: modules.length - leftOut.length, leftOut }
}

function toNative(module: ModuleCode): NativeModule {
  const { isPackage, mtime, size, sourceHash, marshal, seeds } = module
  return {
    name: encodeText(module.name),
    origin: encodeText(module.origin),
    cached: encodeText(module.cached),
    entry: encodeText(module.entry),
    isPackage,
    mtime,
    size,
    sourceHash,
    marshal,
    seeds,
  }
}

function describe(name: string, archive: NativeArchive): ArchiveDescription {
  if (archive.reject !== undefined) throw invalid(name, archive.sentence, archive.reject)
  if (archive.damage !== null) throw invalid(name, archive.damage)
  const { header, modules } = archive
  return {
    format: header.format,
    bytes: header.fileBytes,
    pythonVersion: formatHexversion(header.hexversion),
    buildId: header.identity,
    validate: VALIDATE[header.validate] ?? 'stat',
    modules: modules.map(({ name: module, origin, bytes, codeObjects }) => ({
      name: module,
      origin,
      bytes,
      codeObjects,
    })),
    regexes: archive.caches.regexes,
    sources: archive.caches.sources,
    info: JSON.parse(archive.info),
  }
}

function invalid(name: string, reason: string, reject?: string): PycdsError {
  return new PycdsError('ARCHIVE_INVALID', {
    message: `archive ${name}: ${reason}`,
    hint:
      reject === NOT_AN_ARCHIVE
        ? 'Name an image, or the archive that a bake has made for one, app.cds; if this is one, bake again.'
        : 'Bake the image again.',
  })
}

/** PY_VERSION_HEX as people write it: 0x030b02f0 is 3.11.2. */
function formatHexversion(hexversion: number): string {
  return [hexversion >>> 24, (hexversion >>> 16) & 0xff, (hexversion >>> 8) & 0xff].join('.')
}
