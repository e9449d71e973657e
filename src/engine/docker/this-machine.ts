// SPDX-License-Identifier: Apache-2.0
import { hostname, release } from 'node:os'

/** What an engine tells of the machine that it runs on; no field is sure to be there. */
export interface EngineHost {
  readonly KernelVersion?: string
  /** Host name. */
  readonly Name?: string
}

/**
 * Whether an engine runs on the kernel of this machine. A socket alone does not say so: that of Docker Desktop leads
 * into a virtual machine, a forwarded one to another computer, which may well have the same kernel.
 */
export function isThisMachine(
  address: string,
  engine: EngineHost,
  here = { kernel: release(), name: hostname() },
): boolean {
  return address.startsWith('unix://') && engine.KernelVersion === here.kernel && engine.Name === here.name
}
