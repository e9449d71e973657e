// SPDX-License-Identifier: Apache-2.0
// What the use cases need from the outside world. They are given implementations, and never know which
// engine or which kind of store they work on. Every method rejects with a PycdsError. ENGINE_UNREACHABLE,
// ENGINE_FAILED and NO_SPACE can come from any of them and are not repeated at each.
export type {
  ArchiveDescription,
  ArchivedModule,
  Archiver,
  ArchiveTarget,
  CachedResults,
  CompiledRegex,
  CompiledSource,
  ElfIdentity,
  Freezer,
  Injected,
  ModuleCode,
  Validate,
  WrittenArchive,
} from './archiver.js'
export type {
  AttachedDocument,
  Attachment,
  AttachmentKind,
  AttachmentStore,
  NewAttachment,
} from './attachments.js'
export type {
  Container,
  ContainerSpec,
  ExecResult,
  ExecSpec,
  LinkStat,
  Mount,
  OutputListener,
  PathStat,
} from './container.js'
export type { Engine, EngineDescription } from './engine.js'
export type { PageCache } from './page-cache.js'
export type { Ports, RunPorts } from './ports.js'
export type { ImageRoot, LayerFile, PathChange, Undone, WriteOptions } from './root.js'
export type {
  ImageDigests,
  ImageStore,
  IndexStore,
  ListedImage,
  NewLayer,
  SourceImage,
  Statement,
  Statements,
} from './store.js'
