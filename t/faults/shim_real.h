/* shim_real: what the shim's two files share. */
#ifndef T_FAULTS_SHIM_REAL_H
#define T_FAULTS_SHIM_REAL_H

#include <dlfcn.h>

#include "t/faults/shim_page.h"

/* While the linker looks for the real call (it may want memory itself) nothing fails. */
extern _Thread_local int shim_looking;

/* The page's error if this call is to fail, else 0. */
int shim_error(enum shim_kind kind);

#define REAL(name)                                                                                 \
    static __typeof__(name) *real;                                                                 \
    if (!real) {                                                                                   \
        shim_looking++;                                                                            \
        real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name);                                        \
        shim_looking--;                                                                            \
    }

#endif
