/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * Being interrupted where something has to be taken away again first: between
 * catch and release SIGINT, SIGTERM and SIGHUP, unless they are ignored, are only
 * noted. Release puts things back and, if one was noted, ends the process by it.
 */
void interrupt_catch(void);
void interrupt_release(void);
bool interrupt_noted(void);

/* The child that is being waited for is killed as well (0: there is none). */
void interrupt_kills(pid_t child);
/* For that child: what the signals did before interrupt_catch(). */
void interrupt_forget(void);
