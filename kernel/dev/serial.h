/* SPDX-License-Identifier: BSD-2-Clause */
/* The serial ports (serial.c). */
#pragma once

/* Finds the ports and registers /dev/ttyS*; the kernel's command line chooses the console
 * (console=ttyS0 or ttyS1) and its window size (console_size=COLSxROWS). */
void serial_init(void);
