// SPDX-License-Identifier: Apache-2.0
import type { Archiver, Engine, ImageStore } from './ports.js'
export interface InspectRequest { subject: string /* image reference or archive file */; map: boolean }
export interface InspectResult {
  schema: 'io.pycds.inspect/1'
  subject: { kind: 'image' | 'archive'; name: string }
  python: { version: string; abi: string; buildId: string }
  archive: { path: string; bytes: number; format: number; modules: number }
  packages: { name: string; modules: number; bytes: number }[]
  leftOut: { name: string; reason: string }[]
  map: string | null
}
export function inspect(_r: InspectRequest, _p: { store: ImageStore; engine: Engine; archiver: Archiver; signal: AbortSignal }): Promise<InspectResult> { throw new Error('stub') }
