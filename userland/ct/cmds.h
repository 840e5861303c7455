/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "../lib/command.h"
#include "../lib/instance.h"

/* The subcommands: each file defines its options and what it does. */
extern const struct opt run_opts[], create_opts[], start_opts[];
int cmd_run(int argc, char **argv);
int cmd_create(int argc, char **argv);
int cmd_start(int argc, char **argv);

extern const struct opt exec_opts[];
int cmd_exec(int argc, char **argv);

extern const struct opt ps_opts[], images_opts[], inspect_opts[];
int cmd_ps(int argc, char **argv);
int cmd_images(int argc, char **argv);
int cmd_inspect(int argc, char **argv);

extern const struct opt load_opts[], rmi_opts[];
int cmd_load(int argc, char **argv);
int cmd_rmi(int argc, char **argv);
int cmd_pull(int argc, char **argv);
