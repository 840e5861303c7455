/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IDs and names of instances. Generated names are an adjective and the surname
 * of somebody who worked on ships, locks, walls or machines.
 */
#include "ident.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

static const char *const adjectives[] = {
    "able",    "agile",  "amber",   "bold",   "brave",  "bright",   "brisk",  "calm",   "candid",
    "clear",   "clever", "cosy",    "crisp",  "deft",   "eager",    "early",  "fair",   "fleet",
    "fond",    "frank",  "gentle",  "glad",   "golden", "grand",    "handy",  "hardy",  "honest",
    "humble",  "jolly",  "keen",    "kind",   "lively", "loyal",    "lucid",  "lucky",  "mellow",
    "merry",   "modest", "neat",    "nimble", "noble",  "patient",  "plain",  "polite", "prime",
    "proud",   "quick",  "quiet",   "ready",  "robust", "rustic",   "serene", "sharp",  "silent",
    "sincere", "sober",  "spry",    "stable", "steady", "sturdy",   "subtle", "sunny",  "swift",
    "tidy",    "trusty", "upright", "vivid",  "warm",   "watchful", "wise",   "witty",  "zesty",
};

static const char *const surnames[] = {
    "agnesi",   "ampere",  "babbage",  "barbour",  "bernal",   "boole",    "bramah",     "brunel",
    "cayley",   "chubb",   "clarke",   "coulomb",  "dekker",   "denny",    "diesel",     "dijkstra",
    "drebbel",  "eads",    "edgerton", "ericsson", "euler",    "faraday",  "flowers",    "franklin",
    "froude",   "fulton",  "galton",   "germain",  "goldberg", "hamilton", "harrison",   "hero",
    "herschel", "holland", "hopper",   "huygens",  "kelvin",   "kilby",    "knuth",      "lake",
    "laplace",  "leibniz", "lovelace", "maury",    "maxwell",  "napier",   "newcomen",   "noether",
    "noyce",    "otis",    "papin",    "parsons",  "pascal",   "perry",    "plimsoll",   "rankine",
    "rennie",   "ritchie", "russell",  "savery",   "shannon",  "smeaton",  "stephenson", "stevin",
    "strowger", "telford", "tesla",    "turing",   "vauban",   "volta",    "watt",       "wilkes",
    "yale",     "zuse",
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

bool ident_is_hex(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!(s[i] >= '0' && s[i] <= '9') && !(s[i] >= 'a' && s[i] <= 'f'))
            return false;
    }
    return true;
}

bool ident_is_id(const char *s)
{
    return strlen(s) == ID_LEN && ident_is_hex(s, ID_LEN);
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool ident_is_name(const char *s)
{
    size_t len = strlen(s);

    if (len < 1 || len > NAME_MAX_LEN || !is_alnum(s[0]))
        return false;
    for (size_t i = 1; i < len; i++) {
        if (!is_alnum(s[i]) && s[i] != '_' && s[i] != '.' && s[i] != '-')
            return false;
    }
    return true;
}

int ident_new_id(char id[ID_LEN + 1])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t raw[ID_LEN / 2];

    if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
        return -errno;
    for (size_t i = 0; i < sizeof(raw); i++) {
        id[2 * i] = digits[raw[i] >> 4];
        id[2 * i + 1] = digits[raw[i] & 15];
    }
    id[ID_LEN] = '\0';
    return 0;
}

void ident_make_name(unsigned random, char *name, size_t size)
{
    snprintf(name, size, "%s_%s", adjectives[random % COUNT(adjectives)],
             surnames[random / COUNT(adjectives) % COUNT(surnames)]);
}

int ident_match_prefix(const char *const *ids, size_t count, const char *prefix)
{
    size_t len = strlen(prefix);
    int found = -1;

    if (len == 0 || len > ID_LEN || !ident_is_hex(prefix, len))
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (strncmp(ids[i], prefix, len) != 0)
            continue;
        if (found >= 0)
            return -2;
        found = (int)i;
    }
    return found;
}
