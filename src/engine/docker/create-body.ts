// SPDX-License-Identifier: Apache-2.0
import type { ContainerSpec, Mount } from '../../ports/index.js'
import { containerHostname } from '../../util/container-hostname.js'
import { ownerMark } from '../../util/owner.js'

/** Marks every container with the run of this program that made it. */
export const RUN_LABEL = 'io.pycds.run'

/** Marks it with the process of that run, so that a later one can tell what was left behind. */
export const OWNER_LABEL = 'io.pycds.owner'

/**
 * Translates a specification into the body of the engine's create call. What is not said there stays
 * as the image has it, apart from what would disturb a run that is only watched: the health check, a
 * terminal, and logs that nobody reads.
 */
export function toCreateBody(spec: ContainerSpec, runId: string): object {
  const [program, ...args] = spec.command ?? []
  // As an engine calls it, which without a network does not give the name an address.
  const hostname = spec.network === 'none' ? containerHostname() : undefined
  const hosts = [...(spec.hosts ?? []), ...(hostname === undefined ? [] : [`${hostname}:127.0.0.1`])]
  return {
    Image: spec.image,
    ...(hostname === undefined ? {} : { Hostname: hostname }),
    ...(program === undefined ? {} : { Entrypoint: [program], Cmd: args }),
    ...(spec.user === undefined ? {} : { User: spec.user }),
    Env: [
      ...Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
      // A name alone takes the image's variable away.
      ...(spec.unsetEnv ?? []).filter((name) => !(name in spec.env)),
    ],
    Labels: { ...spec.labels, [RUN_LABEL]: runId, [OWNER_LABEL]: ownerMark() },
    Tty: false,
    OpenStdin: false,
    AttachStdout: true,
    AttachStderr: true,
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      NetworkMode: spec.network,
      ...(hosts.length > 0 ? { ExtraHosts: hosts } : {}),
      ...mountsOf(spec),
      ReadonlyRootfs: spec.readOnly ?? false,
      ...(spec.dropCapabilities === true ? { CapDrop: ['ALL'] } : {}),
      ...(spec.noNewPrivileges === true ? { SecurityOpt: ['no-new-privileges'] } : {}),
      // The output is attached; nothing is left behind on the engine's disk.
      LogConfig: { Type: 'none' },
    },
  }
}

/** Nothing can be put into a read-only root but into a volume, which is removed with its container. */
function mountsOf({ mounts, readOnly, files }: ContainerSpec): object {
  const place = readOnly === true ? filesPlace(files) : undefined
  const all = [
    ...(mounts ?? []).map(toMount),
    ...(place === undefined ? [] : [{ Type: 'volume', Target: place }]),
  ]
  return all.length > 0 ? { Mounts: all } : {}
}

/** The directory below the root that holds all files of a run; undefined when they are in several places. */
export function filesPlace(files: ContainerSpec['files']): string | undefined {
  const [first] = files
  if (first?.type !== 'directory' || first.name.includes('/')) return undefined
  return files.every(({ name }) => name === first.name || name.startsWith(`${first.name}/`))
    ? `/${first.name}`
    : undefined
}

/** What is no path is the name of a volume. */
function toMount({ source, target, readOnly }: Mount): object {
  const type = source.startsWith('/') ? 'bind' : 'volume'
  return { Type: type, Source: source, Target: target, ReadOnly: readOnly }
}
