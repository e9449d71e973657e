// SPDX-License-Identifier: Apache-2.0
export interface Timing {
  medianMs: number
  minMs: number
  maxMs: number
}
export interface BakeResult {
  schema: 'io.pycds.bake/1'
  source: { reference: string; id: string }
  output: {
    reference: string
    id: string
    configDigest: string
    /** Null where images have no manifests. */
    manifestDigest: string | null
  } | null
  python: { version: string; executable: string; library: string | null; buildId: string; abi: string }
  training: {
    /** The image's command, modules by name, or only traces that were recorded before. */
    mode: 'entrypoint' | 'imports' | 'none'
    command: string[]
    imports: string[]
    readiness: string
    /** Null when the run was never ready and what it imported was kept. */
    endedBy: string | null
    seconds: number
    exitCode: number | null
    processes: number
    pythons: { executable: string; version: string; processes: number; modules: number; used: boolean }[]
    probes: { probe: string; ok: boolean; detail: string }[]
  }
  archive: {
    path: string
    bytes: number
    modules: number
    /** Compiled regular expressions and source strings. */
    regexes: number
    sources: number
    leftOut: { name: string; reason: string }[]
  }
  /** Bytecode files that were added for modules outside the archive. */
  bytecode: { mode: 'auto' | 'off' | 'all'; files: number; packages: number; failed: number; bytes: number }
  layer: { diffId: string; bytes: number; compressedBytes: number }
  start: { metric: 'imports' | 'exit'; before: Timing; after: Timing; speedup: number; runs: number } | null
  /** Limits that were asked for; a result exists only when all of them are kept. */
  gates: {
    gate: string
    required: number
    actual: number
    unit: string
    ok: boolean
    detail: string | null
  }[]
  /** Null unless a limit for it was asked for. */
  hitRate: { served: number; total: number; percent: number } | null
  warnings: string[]
}

/** Several images of one index, each baked for a platform of its own. */
export interface BakePlatformsResult {
  schema: 'io.pycds.bake-platforms/1'
  source: { reference: string }
  /** The digest is that of the new index. */
  output: { reference: string; digest: string } | null
  /** As they were asked for. */
  platforms: {
    platform: string
    /** Whose run it was made from: its own, where this machine can run it. */
    trainedOn: string
    result: BakeResult
  }[]
}
