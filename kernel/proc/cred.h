/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside proc/: start-up of ids and credentials, and what execve(2) does to credentials. */
#pragma once

#include <kernel/cred.h>
#include <kernel/types.h>

struct path;

void pid_init(void);
void cred_start(void);

#define SECBIT_NOROOT                 0x01u
#define SECBIT_NO_SETUID_FIXUP        0x04u
#define SECBIT_KEEP_CAPS              0x10u
#define SECBIT_NO_CAP_AMBIENT_RAISE   0x40u
#define SECBIT_LOCKS                  0xaau /* each bit's lock is the next higher bit */
#define SECBIT_ALL                    0xffu

/* The rules of capabilities(7), "Effect of user ID changes on capabilities"; `next` holds the new ids. */
void cred_fix_capabilities(const struct cred *old, struct cred *next);
/* The new program's credentials; *secure tells AT_SECURE. */
int cred_for_exec(const struct path *file, struct cred **out, bool *secure);
/* Same ids as `other` and all of its capabilities? */
bool cred_dominates(const struct cred *c, const struct cred *other);
