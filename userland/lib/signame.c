/* SPDX-License-Identifier: BSD-2-Clause */
/* Signal names and exit statuses: 125 we failed, 126 cannot execute, 127 not found, 128+n. */
#include "signame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>

enum { RTMIN_LINUX = 34, RTMAX_LINUX = 64 };

static const char *const names[] = {
    [1] = "HUP",   [2] = "INT",     [3] = "QUIT",  [4] = "ILL",     [5] = "TRAP",  [6] = "ABRT",
    [7] = "BUS",   [8] = "FPE",     [9] = "KILL",  [10] = "USR1",   [11] = "SEGV", [12] = "USR2",
    [13] = "PIPE", [14] = "ALRM",   [15] = "TERM", [16] = "STKFLT", [17] = "CHLD", [18] = "CONT",
    [19] = "STOP", [20] = "TSTP",   [21] = "TTIN", [22] = "TTOU",   [23] = "URG",  [24] = "XCPU",
    [25] = "XFSZ", [26] = "VTALRM", [27] = "PROF", [28] = "WINCH",  [29] = "IO",   [30] = "PWR",
    [31] = "SYS",
};

static int parse_number(const char *text, int low, int high)
{
    char *end;
    long n;

    if (*text < '0' || *text > '9')
        return -1;
    n = strtol(text, &end, 10);
    return *end == '\0' && n >= low && n <= high ? (int)n : -1;
}

int signame_parse(const char *text)
{
    int n = parse_number(text, 1, RTMAX_LINUX);

    if (n > 0)
        return n;
    if (strncasecmp(text, "SIG", 3) == 0)
        text += 3;
    for (size_t i = 1; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcasecmp(text, names[i]) == 0)
            return (int)i;
    }
    if (strcasecmp(text, "POLL") == 0)
        return 29;
    if (strcasecmp(text, "RTMIN") == 0)
        return RTMIN_LINUX;
    if (strcasecmp(text, "RTMAX") == 0)
        return RTMAX_LINUX;
    if (strncasecmp(text, "RTMIN+", 6) == 0) {
        n = parse_number(text + 6, 0, RTMAX_LINUX - RTMIN_LINUX);
        return n < 0 ? -1 : RTMIN_LINUX + n;
    }
    if (strncasecmp(text, "RTMAX-", 6) == 0) {
        n = parse_number(text + 6, 0, RTMAX_LINUX - RTMIN_LINUX);
        return n < 0 ? -1 : RTMAX_LINUX - n;
    }
    return -1;
}

int status_from_wait(int wstatus)
{
    if (WIFSIGNALED(wstatus))
        return 128 + WTERMSIG(wstatus);
    return WEXITSTATUS(wstatus);
}

int status_from_exec_errno(int err)
{
    return err == ENOENT || err == ENOTDIR ? 127 : 126;
}

const char *status_exec_reason(int err, const char *command)
{
    if (err == ENOENT && strchr(command, '/') == NULL)
        return "executable file not found in $PATH";
    if (err == EACCES)
        return "permission denied";
    if (err == ENOEXEC)
        return "exec format error";
    return strerror(err);
}
