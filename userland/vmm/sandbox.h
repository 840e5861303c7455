/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the monitor lives once it has what it needs. A guest that breaks out of
 * its devices finds itself in here: a process with no rights and a number of its
 * own, alone in its PID, IPC, UTS and mount namespaces, with an empty read-only
 * root and only the descriptors it was given.
 */
#pragma once

#include <sys/types.h>

/* Close every descriptor from 3 on that is not in keep (which may hold -1). */
void sandbox_close_others(const int *keep, unsigned count);

/*
 * Enter new namespaces. A PID namespace begins with a child: this function returns
 * in the child, and the parent stays to pass on signals and the exit status, and to
 * say so if the monitor dies. A caller that is the first process of its PID
 * namespace already (a supervisor may have made one) stays a single process.
 */
void sandbox_spawn(void);

/* After everything is open: take the root, the rights and the user id away. */
void sandbox_enter(const char *hostname, uid_t uid);

/* Allow only the system calls a running VM needs, where the kernel can filter them. */
void sandbox_filter(void);
