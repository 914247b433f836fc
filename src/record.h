/*-------------------------------------------------------------------------
 *
 * record.h
 *	  What the recording functions share; private to src/record*.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef INTERACT_RECORD_H
#define INTERACT_RECORD_H

#include "interact.h"

#include "access/skey.h"

/* Longest name of a list or an order, bytes; the tables check the same. */
#define RECORD_MAX_KEY_LEN		255


/* ---------- recordarg.c: arguments and statements ---------- */

/*
 * Each checks one value of the type it is for, and raises an error that
 * calls it name.
 */
typedef void (*ValueCheck) (Datum value, const char *name);

extern void record_check_time(Datum value, const char *name);
extern void record_check_quantity(Datum value, const char *name);
extern void record_check_finite(Datum value, const char *name);
extern void record_check_price(Datum value, const char *name);
extern void record_check_key(Datum value, const char *name);

extern TimestampTz record_arg_time(FunctionCallInfo fcinfo, int n);
extern Datum record_arg(FunctionCallInfo fcinfo, int n, const char *name,
						ValueCheck check, bool *isnull);

extern uint64 record_run(InteractPlan *plan, const char *sql, int expected,
						 int nargs, Oid *argtypes, Datum *values,
						 const char *nulls);


/* ---------- recordfind.c: rows to be taken back ---------- */

extern uint64 record_run_found(InteractPlan *plan, const char *sql, int expected,
							   InteractRel rel, InteractRel index,
							   ScanKey keys, int nkeys,
							   int nargs, Oid *argtypes, Datum *values,
							   const char *nulls);
extern void record_pair_keys(ScanKey keys, int64 user, int64 item);

#endif							/* INTERACT_RECORD_H */
