/* SPDX-License-Identifier: BSD-2-Clause */
/* The devices without hardware: null zero full random urandom kmsg debugcon. */
#pragma once

struct file_ops;

void mem_devices_init(void);
extern const struct file_ops kmsg_fops; /* kmsg.c */
struct inode;
struct file;
int kmsg_open(struct inode *inode, struct file *f);
