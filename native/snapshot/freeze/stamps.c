// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "stamps.h"

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../contents.h"
#include "../listing.h"
#include "../status.h"
#include "freeze.h"

#define MAX_NAMES_BYTES 32768
#define MAX_PATH_BYTES 4096
#define ZONES "/usr/share/zoneinfo"

/* Where OpenSSL of the common distributions has its configuration, also one that is a part of an extension module. */
static const char *const openssl_configurations[] = {
    "/etc/ssl/openssl.cnf",
    "/usr/lib/ssl/openssl.cnf",
    "/etc/pki/tls/openssl.cnf",
    "/usr/local/ssl/openssl.cnf",
};

uint32_t scratch_string(struct scratch *scratch, const char *text, uint64_t length) {
  uint32_t used = scratch->header.strings.count;
  if (used == 0) used = 1; /* text 0 is empty */
  if (length == 0 || length + 1 > SNAPSHOT_MAX_STRINGS - used) return 0;
  for (uint64_t i = 0; i < length; i++) scratch->strings[used + i] = text[i];
  scratch->strings[used + length] = 0;
  scratch->header.strings.count = used + (uint32_t)length + 1;
  return used;
}

static struct snapshot_stamp *next_stamp(const char *text) {
  struct snapshot_list *list = &freeze.scratch->header.stamps;
  if (list->count == SNAPSHOT_MAX_STAMPS) freeze_refuse("its start looks at too many files");
  struct snapshot_stamp *stamp = &freeze.scratch->stamps[list->count++];
  stamp->path = scratch_string(freeze.scratch, text, strlen(text));
  if (!stamp->path) freeze_refuse("its start looks at too many files");
  stamp->kind = SNAPSHOT_ABSENT;
  return stamp;
}

const struct snapshot_stamp *stamps_add(const char *path) {
  struct snapshot_stamp *stamp = next_stamp(path);
  struct stat status;
  if (!status_of_path(path, &status)) return stamp;
  stamp->kind = S_ISDIR(status.st_mode) ? SNAPSHOT_DIRECTORY : SNAPSHOT_SOURCE;
  if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode)) freeze_refuse("%s is neither file nor directory", path);
  if (stamp->kind == SNAPSHOT_DIRECTORY) {
    if (!listing_digest(path, &stamp->bytes, NULL)) freeze_refuse("%s cannot be read", path);
    return stamp;
  }
  stamp->bytes = (uint64_t)status.st_size;
  stamp->mtime = status.st_mtim.tv_sec;
  return stamp;
}

/* ---- what libraries read ---- */

static void add_contents(const char *path) {
  struct snapshot_stamp *stamp = next_stamp(path);
  struct stat status;
  if (!status_of_path(path, &status)) return;
  stamp->kind = SNAPSHOT_CONTENTS;
  if (!contents_digest(path, &stamp->bytes)) freeze_refuse("%s cannot be read", path);
}

/* tzset(3). Variables are conditions of a snapshot. A rule in the place of a file is a file that is not there. */
static void add_time_zone(void) {
  const char *zone = getenv("TZ"), *zones = getenv("TZDIR");
  char path[MAX_PATH_BYTES];
  if (!zone) return add_contents("/etc/localtime");
  if (*zone == ':') zone++;
  if (!*zone) return;
  const char *folder = zones && *zones ? zones : ZONES;
  int length =
      *zone == '/' ? snprintf(path, sizeof path, "%s", zone) : snprintf(path, sizeof path, "%s/%s", folder, zone);
  if (length > 0 && (size_t)length < sizeof path) add_contents(path);
}

struct libraries {
  char names[MAX_NAMES_BYTES];
  size_t used;
};

/* Where a libcrypto that is a library of its own looks for it. */
static void add_configuration_of(const char *library) {
  void *handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
  const char *(*area)(void) = NULL;
  void *symbol = handle ? dlsym(handle, "X509_get_default_cert_area") : NULL;
  memcpy(&area, &symbol, sizeof area);
  char path[MAX_PATH_BYTES];
  int length = area ? snprintf(path, sizeof path, "%s/openssl.cnf", area()) : 0;
  bool known = false;
  for (size_t i = 0; i < sizeof openssl_configurations / sizeof *openssl_configurations; i++)
    known = known || (length > 0 && strcmp(openssl_configurations[i], path) == 0);
  if (length > 0 && (size_t)length < sizeof path && !known) add_contents(path);
  if (handle) dlclose(handle);
}

static int add_library(struct dl_phdr_info *info, size_t bytes, void *to) {
  (void)bytes;
  struct libraries *libraries = to;
  const char *slash = strrchr(info->dlpi_name, '/'), *name = slash ? slash + 1 : info->dlpi_name;
  size_t length = strlen(name);
  if (!slash || length == 0) return 0;
  if (strncmp(name, "libcrypto", strlen("libcrypto")) == 0) add_configuration_of(info->dlpi_name);
  if (length + 2 > sizeof libraries->names - libraries->used) freeze_refuse("it has loaded too many libraries");
  memcpy(libraries->names + libraries->used, name, length);
  libraries->used += length;
  libraries->names[libraries->used++] = '\n';
  return 0;
}

void stamps_add_of_libraries(void) {
  static struct libraries libraries;
  add_time_zone();
  /* Which locales there are. */
  stamps_add("/usr/lib/locale");
  for (size_t i = 0; i < sizeof openssl_configurations / sizeof *openssl_configurations; i++)
    add_contents(openssl_configurations[i]);
  const char *own = getenv("OPENSSL_CONF");
  if (own && *own) add_contents(own);
  dl_iterate_phdr(add_library, &libraries);
  uint64_t digest;
  if (!contents_loader_digest(SNAPSHOT_LOADER_CACHE, libraries.names, &digest)) {
    stamps_add(SNAPSHOT_LOADER_CACHE);
    return;
  }
  struct snapshot_stamp *stamp = next_stamp(libraries.names);
  stamp->kind = SNAPSHOT_LOADER;
  stamp->bytes = digest;
}
