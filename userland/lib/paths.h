/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Where things are. Both trees are in RAM: what is in them is gone at power-off.
 *
 *   /run/bulkhead/ct/ID/       one directory per instance: spec, state, log, ctl, upper/, work/
 *   /run/bulkhead/ct/.names/   NAME -> ID, as symbolic links: creating one claims the name
 *   /run/bulkhead/vm/ID/       the same for virtual machines
 *   /run/bulkhead/bin/         the supervisor, bind-mounted read-only
 *   /run/bulkhead/root/        where each container's root is mounted, in its own mount namespace
 *   /var/lib/bulkhead/layers/  <diff_id>/: unpacked layers; l/<16 digits>: short names for them
 *   /var/lib/bulkhead/db/      image/<id>: parsed image records; tag/<name>: id; seen/<archive>
 *   /var/lib/bulkhead/images/  archives that came along; loaded when first asked for
 *   /var/lib/bulkhead/guests/  NAME/{kernel,initrd,cmdline}
 */
#define PATH_RUN    "/run/bulkhead"
#define PATH_BIN    PATH_RUN "/bin"
#define PATH_ROOT   PATH_RUN "/root"
#define PATH_LIB    "/var/lib/bulkhead"
#define PATH_LAYERS PATH_LIB "/layers"
#define PATH_DB     PATH_LIB "/db"
#define PATH_IMAGES PATH_LIB "/images"
#define PATH_GUESTS PATH_LIB "/guests"
#define PATH_CGROUP "/sys/fs/cgroup"

#define SUPERVISOR "bulkhead-sup"
