// SPDX-License-Identifier: Apache-2.0
// The archiver and the reader as a Node addon: three synchronous functions over buffers.
// No state is kept between calls. Arguments are checked in src/archive and again here.
#include <napi.h>

#include <cstring>
#include <limits>
#include <string>
#include <vector>

extern "C" {
#define _Static_assert static_assert
#include "../format/archive_read.h"
#include "../format/archive_write.h"
#include "../format/cache_write.h"
#include "../format/elf.h"
#include "../format/layout.h"
}

namespace {

Napi::TypeError Wrong(Napi::Env env, const std::string &what) { return Napi::TypeError::New(env, what); }

Napi::Buffer<uint8_t> ToBuffer(const Napi::Value &value, const char *name) {
  if (!value.IsBuffer()) throw Wrong(value.Env(), std::string(name) + " must be a Buffer");
  return value.As<Napi::Buffer<uint8_t>>();
}

Napi::Object ToObject(const Napi::Value &value, const char *name) {
  if (!value.IsObject()) throw Wrong(value.Env(), std::string(name) + " must be an object");
  return value.As<Napi::Object>();
}

double ToNumber(const Napi::Object &object, const char *name) {
  Napi::Value value = object.Get(name);
  if (!value.IsNumber()) throw Wrong(object.Env(), std::string(name) + " must be a number");
  return value.As<Napi::Number>().DoubleValue();
}

/* A number that the type can hold, its fraction cut off. */
template <typename T> T ToInteger(const Napi::Object &object, const char *name) {
  double value = ToNumber(object, name);
  /* The largest of 64 bits is no double: the number above it is. */
  double end = static_cast<double>(std::numeric_limits<T>::max()) + 1.0;
  if (!(value >= static_cast<double>(std::numeric_limits<T>::min()) && value < end))
    throw Wrong(object.Env(), std::string(name) + " is out of range");
  return static_cast<T>(value);
}

struct Bytes {
  const uint8_t *data;
  size_t length;
};

Bytes ToBytes(const Napi::Object &object, const char *name) {
  Napi::Buffer<uint8_t> buffer = ToBuffer(object.Get(name), name);
  return {buffer.Data(), buffer.Length()};
}

pycds_text ToText(const Napi::Object &object, const char *name) {
  Bytes bytes = ToBytes(object, name);
  return {reinterpret_cast<const char *>(bytes.data), bytes.length};
}

std::string Hex(const uint8_t *bytes, size_t length) {
  static const char digits[] = "0123456789abcdef";
  std::string out;
  for (size_t i = 0; i < length; i++) {
    out += digits[bytes[i] >> 4];
    out += digits[bytes[i] & 15];
  }
  return out;
}

void CopyExactly(void *to, size_t size, Bytes from, const Napi::Env &env, const char *name) {
  if (from.length > size) throw Wrong(env, std::string(name) + " is too long");
  if (from.length) std::memcpy(to, from.data, from.length);
}

pycds_target ToTarget(const Napi::Object &object) {
  pycds_target target = {};
  Bytes identity = ToBytes(object, "identity");
  target.hexversion = ToInteger<uint32_t>(object, "hexversion");
  target.machine = ToInteger<uint16_t>(object, "machine");
  target.validate = ToInteger<uint8_t>(object, "validate");
  target.optimize = ToInteger<uint8_t>(object, "optimize");
  target.identity_kind = ToInteger<uint8_t>(object, "identityKind");
  target.identity_bytes = static_cast<uint8_t>(identity.length);
  CopyExactly(target.identity, sizeof target.identity, identity, object.Env(), "identity");
  CopyExactly(target.python_magic, sizeof target.python_magic, ToBytes(object, "magic"), object.Env(), "magic");
  target.files = ToText(object, "files");
  return target;
}

pycds_module ToModule(const Napi::Object &object) {
  pycds_module module = {};
  Bytes marshal = ToBytes(object, "marshal"), seeds = ToBytes(object, "seeds"), hash = ToBytes(object, "sourceHash");
  module.name = ToText(object, "name");
  module.origin = ToText(object, "origin");
  module.cached = ToText(object, "cached");
  module.entry = ToText(object, "entry");
  module.flags = object.Get("isPackage").ToBoolean() ? PYCDS_MODULE_PACKAGE : 0;
  module.source_mtime = ToInteger<int64_t>(object, "mtime");
  module.source_size = ToInteger<uint64_t>(object, "size");
  CopyExactly(&module.source_hash, sizeof module.source_hash, hash, object.Env(), "sourceHash");
  module.marshal = marshal.data;
  module.marshal_bytes = marshal.length;
  module.seeds = seeds.data;
  module.seeds_bytes = seeds.length;
  return module;
}

Napi::Array ToArray(const Napi::Value &value, const char *name) {
  if (!value.IsArray()) throw Wrong(value.Env(), std::string(name) + " must be an array");
  return value.As<Napi::Array>();
}

void AddRegex(pycds_caches *caches, const Napi::Object &object) {
  Bytes pattern = ToBytes(object, "pattern"), words = ToBytes(object, "words");
  Napi::Array names = ToArray(object.Get("names"), "names");
  std::vector<std::string> texts;
  std::vector<uint32_t> groups;
  for (uint32_t i = 0; i < names.Length(); i++) {
    Napi::Object name = ToObject(names.Get(i), "name");
    texts.push_back(name.Get("name").ToString());
    groups.push_back(ToInteger<uint32_t>(name, "group"));
  }
  std::vector<const char *> pointers;
  for (const std::string &text : texts) pointers.push_back(text.c_str());
  pycds_regex_input input = {};
  input.is_bytes = object.Get("isBytes").ToBoolean();
  input.pattern = pattern.data;
  input.pattern_bytes = pattern.length;
  input.asked = ToInteger<uint32_t>(object, "asked");
  input.flags = ToInteger<uint32_t>(object, "flags");
  input.groups = ToInteger<uint32_t>(object, "groups");
  input.words = words.data;
  input.word_count = words.length / 4;
  input.name_count = names.Length();
  input.names = pointers.data();
  input.name_groups = groups.data();
  pycds_caches_add_regex(caches, &input);
}

void AddSource(pycds_caches *caches, const Napi::Object &object) {
  Bytes filename = ToBytes(object, "filename"), text = ToBytes(object, "text"), marshal = ToBytes(object, "marshal");
  pycds_source_input input = {};
  input.mode = ToInteger<uint8_t>(object, "mode");
  input.optimize = ToInteger<uint8_t>(object, "optimize");
  input.flags = ToInteger<uint32_t>(object, "flags");
  input.filename = filename.data;
  input.filename_bytes = filename.length;
  input.text = text.data;
  input.text_bytes = text.length;
  input.marshal = marshal.data;
  input.marshal_bytes = marshal.length;
  pycds_caches_add_source(caches, &input);
}

/* Released with the call, also when an argument turns out wrong. */
struct Caches : pycds_caches {
  Caches() : pycds_caches{} {}
  Caches(const Caches &) = delete;
  Caches &operator=(const Caches &) = delete;
  ~Caches() { pycds_caches_free(this); }
};

/* writeArchive(target, modules, caches: { regexes, sources }, info) -> { archive, modules: [{ leftOut, codeObjects, storedBytes }] } */
Napi::Value WriteArchive(const Napi::CallbackInfo &call) {
  Napi::Env env = call.Env();
  pycds_target target = ToTarget(ToObject(call[0], "target"));
  Napi::Array list = ToArray(call[1], "modules");
  std::vector<pycds_module> modules;
  modules.reserve(list.Length());
  for (uint32_t i = 0; i < list.Length(); i++) modules.push_back(ToModule(ToObject(list.Get(i), "module")));
  Napi::Object cached = ToObject(call[2], "caches");
  Napi::Array regexes = ToArray(cached.Get("regexes"), "regexes"), sources = ToArray(cached.Get("sources"), "sources");
  Caches caches;
  for (uint32_t i = 0; i < regexes.Length(); i++) AddRegex(&caches, ToObject(regexes.Get(i), "regex"));
  for (uint32_t i = 0; i < sources.Length(); i++) AddSource(&caches, ToObject(sources.Get(i), "source"));
  Napi::Buffer<uint8_t> info = ToBuffer(call[3], "info");
  pycds_text text = {reinterpret_cast<const char *>(info.Data()), info.Length()};

  pycds_buffer out = {};
  const char *error = pycds_archive_write(&target, modules.data(), modules.size(), &caches, text, &out);
  if (error) {
    pycds_buffer_free(&out);
    throw Napi::Error::New(env, error);
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("archive", Napi::Buffer<uint8_t>::Copy(env, out.bytes, out.length));
  pycds_buffer_free(&out);
  Napi::Array outcomes = Napi::Array::New(env, modules.size());
  for (uint32_t i = 0; i < modules.size(); i++) {
    Napi::Object outcome = Napi::Object::New(env);
    outcome.Set("leftOut", modules[i].left_out ? Napi::Value(Napi::String::New(env, modules[i].left_out)) : env.Null());
    outcome.Set("codeObjects", modules[i].code_objects);
    outcome.Set("storedBytes", modules[i].stored_bytes);
    outcomes.Set(i, outcome);
  }
  result.Set("modules", outcomes);
  return result;
}

Napi::Object DescribeModule(Napi::Env env, const pycds_record &record, const pycds_unit_view &unit) {
  const pycds_unit &h = *unit.header;
  Napi::Object out = Napi::Object::New(env);
  out.Set("name", Napi::String::New(env, unit.name, h.name_bytes));
  out.Set("origin", Napi::String::New(env, unit.origin, h.origin_bytes));
  out.Set("entry", Napi::String::New(env, unit.entry, h.entry_bytes));
  out.Set("isPackage", (h.flags & PYCDS_MODULE_PACKAGE) != 0);
  out.Set("bytes", static_cast<double>(record.shared_bytes) + record.unit_bytes);
  out.Set("marshalBytes", h.marshal_bytes);
  out.Set("codeObjects", h.code_objects);
  out.Set("sourceMtime", static_cast<double>(h.source_mtime));
  out.Set("sourceSize", static_cast<double>(h.source_size));
  return out;
}

std::string InfoOf(const pycds_reader &reader) {
  pycds_section info;
  if (!pycds_section_find(reader.bytes, PYCDS_SECTION_INFO, &info)) return "";
  return std::string(reinterpret_cast<const char *>(reader.bytes + info.offset), info.bytes);
}

/* readArchive(bytes) -> { reject } or { header, modules, caches: { regexes, sources }, info, damage } */
Napi::Value ReadArchive(const Napi::CallbackInfo &call) {
  Napi::Env env = call.Env();
  Napi::Buffer<uint8_t> bytes = ToBuffer(call[0], "bytes");
  Napi::Object result = Napi::Object::New(env);
  pycds_reader reader;
  pycds_reject reject = pycds_reader_open(&reader, bytes.Data(), bytes.Length());
  if (reject != PYCDS_ACCEPTED) {
    result.Set("reject", pycds_reject_code(reject));
    result.Set("sentence", pycds_reject_sentence(reject));
    return result;
  }
  const pycds_header &h = reader.header;
  Napi::Object header = Napi::Object::New(env);
  header.Set("format", h.format);
  header.Set("fileBytes", static_cast<double>(h.file_bytes));
  header.Set("hexversion", h.hexversion);
  header.Set("machine", h.machine);
  header.Set("validate", h.validate);
  header.Set("optimize", h.optimize);
  header.Set("identityKind", h.identity_kind);
  header.Set("identity", Hex(h.identity, h.identity_bytes));
  header.Set("units", h.unit_count);
  header.Set("shared", h.shared_count);
  header.Set("arenaBytes", static_cast<double>(h.arena_bytes));
  result.Set("header", header);
  result.Set("info", InfoOf(reader));

  uint32_t damaged = PYCDS_NO_RECORD;
  const char *damage = pycds_reader_verify(&reader, &damaged);
  Napi::Array modules = Napi::Array::New(env);
  for (uint32_t i = 0; i < h.unit_count; i++) {
    pycds_record record;
    pycds_unit_view unit;
    if (pycds_reader_unit(&reader, i, &record, &unit)) {
      modules.Set(modules.Length(), DescribeModule(env, record, unit));
    }
  }
  result.Set("modules", modules);
  pycds_cache_counts counts;
  const char *cache_damage = pycds_reader_caches(&reader, &counts);
  if (!damage) damage = cache_damage;
  Napi::Object caches = Napi::Object::New(env);
  caches.Set("regexes", counts.regexes);
  caches.Set("sources", counts.sources);
  result.Set("caches", caches);
  result.Set("damage", damage ? Napi::Value(Napi::String::New(env, damage)) : env.Null());
  return result;
}

/* identify(bytes) -> { kind, identity, machine } of an ELF file; kind 0 when it is none */
Napi::Value Identify(const Napi::CallbackInfo &call) {
  Napi::Buffer<uint8_t> bytes = ToBuffer(call[0], "bytes");
  pycds_identity identity = pycds_identity_of_file(bytes.Data(), bytes.Length());
  Napi::Object out = Napi::Object::New(call.Env());
  out.Set("kind", identity.kind);
  out.Set("machine", identity.machine);
  out.Set("identity", Napi::Buffer<uint8_t>::Copy(call.Env(), identity.bytes, identity.length));
  return out;
}

/* supportedVersions() -> ["3.11", ...] */
Napi::Value SupportedVersions(const Napi::CallbackInfo &call) {
  size_t count;
  const pycds_layout *all = pycds_layout_all(&count);
  Napi::Array out = Napi::Array::New(call.Env(), count);
  for (uint32_t i = 0; i < count; i++) {
    out.Set(i, std::to_string(all[i].major) + "." + std::to_string(all[i].minor));
  }
  return out;
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("writeArchive", Napi::Function::New(env, WriteArchive));
  exports.Set("readArchive", Napi::Function::New(env, ReadArchive));
  exports.Set("identify", Napi::Function::New(env, Identify));
  exports.Set("supportedVersions", Napi::Function::New(env, SupportedVersions));
  return exports;
}

} // namespace

NODE_API_MODULE(pycds, Init)
