// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from '../errors/index.js'
import type { Archiver, Engine, ImageStore } from './ports.js'
export interface DoctorRequest { reference?: string }
export interface DoctorCheck { id: string; title: string; status: 'ok' | 'warn' | 'fail'; detail: string; fix: string | null; code: ErrorCode | null }
export interface DoctorResult { schema: 'io.pycds.doctor/1'; image: string | null; ok: boolean; checks: DoctorCheck[] }
export function doctor(_r: DoctorRequest, _p: { store: ImageStore; engine: Engine; archiver: Archiver; signal: AbortSignal }): Promise<DoctorResult> { throw new Error('stub') }
