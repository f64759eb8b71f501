/* users_result: how a question about users ends. */
#ifndef BASE_CONFIG_USERS_RESULT_H
#define BASE_CONFIG_USERS_RESULT_H

/* USERS_ELSEWHERE: the operator's tables say where its mail goes, and that is to none of our users. */
enum users_result { USERS_TEMP = 0, USERS_FOUND, USERS_UNKNOWN, USERS_ELSEWHERE };

#endif
