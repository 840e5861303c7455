/* SPDX-License-Identifier: BSD-2-Clause */
/* Names in a layer: see layerpath.h. Pure, so that it can be tested and fuzzed by itself. */
#include "layerpath.h"

#include <string.h>

enum { COMPONENT_MAX = 255 };

static int clean(const char *name, char path[LAYER_PATH_MAX], const char **why)
{
    size_t out = 0;

    *why = NULL;
    if (name[0] == '/')
        *why = "it is absolute";
    else if (name[0] == '\0')
        *why = "it is empty";
    while (*name != '\0' && *why == NULL) {
        size_t len = strcspn(name, "/");

        if (len == 2 && name[0] == '.' && name[1] == '.')
            *why = "it contains \"..\"";
        else if (len > COMPONENT_MAX || out + len + 2 > LAYER_PATH_MAX)
            *why = "it is too long";
        else if (len > 0 && !(len == 1 && name[0] == '.')) {
            if (out > 0)
                path[out++] = '/';
            memcpy(path + out, name, len);
            out += len;
        }
        name += len;
        while (*name == '/')
            name++;
    }
    path[out] = '\0';
    return *why == NULL ? 0 : -1;
}

int layer_link_path(const char *name, char path[LAYER_PATH_MAX], const char **why)
{
    /* Some producers write the target with a leading slash; it means the layer's root. */
    while (*name == '/')
        name++;
    return clean(name, path, why);
}

enum layer_entry layer_path(const char *name, char path[LAYER_PATH_MAX], const char **why)
{
    char *slash, *last;

    if (clean(name, path, why) < 0)
        return LAYER_BAD;
    if (path[0] == '\0')
        return LAYER_ROOT;
    slash = strrchr(path, '/');
    last = slash == NULL ? path : slash + 1;
    if (strncmp(last, ".wh.", 4) != 0)
        return strstr(path, "/.wh.") != NULL || strncmp(path, ".wh.", 4) == 0 ? LAYER_SKIP
                                                                              : LAYER_FILE;
    if (strcmp(last, ".wh..wh..opq") == 0) {
        if (slash == NULL)
            path[0] = '\0';
        else
            *slash = '\0';
        return LAYER_OPAQUE;
    }
    if (strncmp(last, ".wh..wh.", 8) == 0)
        return LAYER_SKIP;
    if (last[4] == '\0' || strcmp(last + 4, ".") == 0 || strcmp(last + 4, "..") == 0) {
        *why = "it is a whiteout of nothing";
        return LAYER_BAD;
    }
    memmove(last, last + 4, strlen(last + 4) + 1);
    return LAYER_WHITEOUT;
}
