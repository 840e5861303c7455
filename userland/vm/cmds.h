/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "../lib/command.h"
#include "../lib/instance.h"

extern const struct opt run_opts[], ls_opts[];
int cmd_run(int argc, char **argv);
int cmd_ls(int argc, char **argv);
