/* SPDX-License-Identifier: BSD-2-Clause */
/* What start-up calls, and what this folder needs of containers/. */
#pragma once

struct net_ns;

void net_init(void);
