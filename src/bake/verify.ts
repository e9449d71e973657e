// SPDX-License-Identifier: Apache-2.0
import type { Progress } from '../log/index.js'
import type { ReadySpec } from '../train/ready.js'
import type { Archiver, Engine, ImageStore } from './ports.js'
export interface VerifyRequest { reference: string; command?: string[]; minHitRate?: number /* percent */; user?: string; ready: ReadySpec[]; timeoutMs: number }
export interface VerifyScenario { name: string; ok: boolean; served: number; total: number; hitRate: number /* percent */; reason: string | null; missed: { name: string; reason: string }[] }
export interface VerifyResult { schema: 'io.pycds.verify/1'; image: { reference: string; id: string }; ok: boolean; minHitRate: number | null; scenarios: VerifyScenario[] }
export function verify(_r: VerifyRequest, _p: { store: ImageStore; engine: Engine; archiver: Archiver; progress: Progress; signal: AbortSignal }): Promise<VerifyResult> { throw new Error('stub') }
