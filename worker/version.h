/* version.h: the version that -V and the API answer. */
#ifndef TOLLGATE_VERSION_H
#define TOLLGATE_VERSION_H

#define TOLLGATE_VERSION  "0.1.0"

#endif
