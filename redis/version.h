/* version.h: the version that the worker, the CLI and the module tell. */
#ifndef TOLLGATE_VERSION_H
#define TOLLGATE_VERSION_H

#define TOLLGATE_VERSION  "0.1.0"

#endif
