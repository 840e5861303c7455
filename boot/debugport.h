/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a run under an emulator reports to the build host: bytes written to I/O
 * port 0xE9, which both QEMU (isa-debugcon) and Bochs (port_e9_hack) hand to
 * tools/boot. On real hardware nobody listens and the writes do no harm.
 *
 * Everything that matters travels in frames; bytes between frames are noise
 * (Bochs prints messages of its own on the same channel):
 *
 *   0x1e 'B' 'H' tag  length-low length-high  payload[length]
 *
 * Frames are 8-bit clean and never nest. The loader sends BOOT and PANIC, the
 * kernel PANIC and LOG, init the others; init's pass through the kernel's
 * /dev/debugcon, where one write() is one uninterrupted run of bytes.
 */
#pragma once

#define DEBUG_PORT 0xe9

#define DEBUG_FRAME_MAGIC0  0x1e
#define DEBUG_FRAME_MAGIC1  'B'
#define DEBUG_FRAME_MAGIC2  'H'
#define DEBUG_FRAME_HEADER  6 /* bytes before the payload */
#define DEBUG_FRAME_PAYLOAD 0xffff

#define DEBUG_TAG_STDOUT 'o' /* output of the commands */
#define DEBUG_TAG_STDERR 'e'
#define DEBUG_TAG_STATUS 'x' /* their exit status in decimal: the run ends */
#define DEBUG_TAG_PANIC  'p' /* why the machine stops, in one or more frames: the run ends with 125 */
#define DEBUG_TAG_LOG    'l' /* a line of the kernel's log */
#define DEBUG_TAG_BOOT   'b' /* the loader has started: twice in one run means that the machine was reset */
