// SPDX-License-Identifier: Apache-2.0
// Engines beside the one at hand, from scripts/side-engine.sh.

import { NOT_POSSIBLE, runScript } from './run.js'

export type SideEngineName = 'docker-28' | 'docker-28-containerd' | 'buildkitd'

const SCRIPT = 'side-engine.sh'

/** An engine that answers at `address`, a value for DOCKER_HOST or BUILDKIT_HOST. */
export class SideEngine {
  readonly name: SideEngineName
  readonly address: string

  constructor(name: SideEngineName, address: string) {
    this.name = name
    this.address = address
  }

  /** The path of its network, which nothing else reaches. */
  network(): Promise<string> {
    return script('--network', this.name)
  }

  /** Copies an image of the engine at hand, and gives the name that it has there. */
  load(image: string): Promise<string> {
    return script('--load', this.name, image)
  }
}

/** Starts it where it does not run; the reason where this machine cannot have it. */
export async function sideEngine(name: SideEngineName): Promise<SideEngine | string> {
  // A test that runs alone, too: another run that ends would stop the engine.
  await runScript(SCRIPT, '--use', String(process.pid))
  const { code, stdout, stderr } = await runScript(SCRIPT, name)
  if (code === 0) return new SideEngine(name, stdout.trim())
  if (code !== NOT_POSSIBLE) throw new Error(`side-engine.sh ${name} ended with ${code}: ${stderr}`)
  return stderr.trim()
}

/** The path of a client that belongs to them, or of the program in an image docker/dockerfile. */
export function sideProgram(name: 'docker-buildx' | 'buildctl' | 'dockerfile-frontend'): Promise<string> {
  return script('--program', name)
}

async function script(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runScript(SCRIPT, ...args)
  if (code !== 0) throw new Error(`side-engine.sh ${args.join(' ')} ended with ${code}: ${stderr}`)
  return stdout.trim()
}
