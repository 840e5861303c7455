/* SPDX-License-Identifier: BSD-2-Clause */
/* The firmware's calendar as nanoseconds since 1970, UTC. */
#include "loader.h"

/* Days from 1970-01-01, in the proleptic Gregorian calendar; March is made the first month. */
static int64_t days_since_epoch(int year, int month, int day)
{
    int y = month <= 2 ? year - 1 : year;
    int m = month <= 2 ? month + 9 : month - 3;

    return 365LL * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

uint64_t clock_now_ns(void)
{
    EFI_TIME t;
    int64_t seconds;

    if (EFI_ERROR(RT->GetTime(&t, NULL)) || t.Year < 1970 || t.Month < 1 || t.Month > 12)
        return 0;
    seconds = days_since_epoch(t.Year, t.Month, t.Day) * 86400 + t.Hour * 3600 + t.Minute * 60 +
              t.Second;
    /* The zone is minutes by which local time lags behind UTC; without one the clock is in UTC. */
    if (t.TimeZone != EFI_UNSPECIFIED_TIMEZONE)
        seconds += t.TimeZone * 60;
    return (uint64_t)seconds * 1000000000 + t.Nanosecond;
}
