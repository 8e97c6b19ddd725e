/* SPDX-License-Identifier: Apache-2.0 */
/* storedir.h: a file "a.pem", which holds "one", and a state directory, below a directory of the test's own, over a table of calls that can fail. */
#ifndef TESTS_STOREDIR_H
#define TESTS_STOREDIR_H

#include "media/place.h"
#include "support/faulty_os.h"

struct storedir {
    struct faulty_os os;
    char *dir;
    char *state; /* not made */
    char *path;  /* of a.pem */
    struct csi_txn_env env;
};

void storedir_open(struct storedir *f);
void storedir_close(struct storedir *f);
/* Does the file of that name hold this text? */
bool storedir_holds(const struct storedir *f, const char *name, const char *text);

#endif
