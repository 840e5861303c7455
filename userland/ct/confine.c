/* SPDX-License-Identifier: BSD-2-Clause */
/* Confinement of a child: see confine.h. */
#include "confine.h"

#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int confine_descriptors(int keep, int also, struct err *e)
{
    int low = keep < also ? keep : also, high = keep < also ? also : keep;

    if ((low > 0 && close_range(0, (unsigned)low - 1, 0) < 0) ||
        (high - low > 1 && close_range((unsigned)(low + 1), (unsigned)high - 1, 0) < 0) ||
        close_range((unsigned)(high + 1), ~0u, 0) < 0)
        return err_sys(e, 1, "cannot close the descriptors of the unpacking");
    return 0;
}

int confine(const char *dir, uint64_t caps, struct err *e)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (chroot(dir) < 0 || chdir("/") < 0)
        return err_sys(e, 1, "cannot confine the unpacking to %s", dir);
    for (unsigned i = 0; i < 2; i++)
        data[i].effective = data[i].permitted = (uint32_t)(caps >> (32 * i));
    if (syscall(SYS_capset, &header, data) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_sys(e, 1, "cannot drop privileges for unpacking");
    return 0;
}
