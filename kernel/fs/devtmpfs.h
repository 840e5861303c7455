/* SPDX-License-Identifier: BSD-2-Clause */
/* A driver registered: show it in devtmpfs (devtmpfs.c). */
#pragma once

#include <kernel/fs.h>

void devtmpfs_add(const struct char_dev *d);
