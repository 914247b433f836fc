/*-------------------------------------------------------------------------
 *
 * recordarg.c
 *	  What the recording functions do with their arguments: check them, and
 *	  run one statement with them.
 *
 * Arguments are checked completely before the statement runs, so that bad
 * input changes nothing and is told in the words of the function's arguments
 * instead of a table's constraints.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "access/detoast.h"
#include "access/xact.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"


/* ---------- checks of values ---------- */

/*
 * Raises an error unless value is a timestamptz that a row may carry.
 */
void
record_check_time(Datum value, const char *name)
{
	interact_check_time(DatumGetTimestampTz(value), name);
}

/*
 * Raises an error unless value is an int4 of at least 1.
 */
void
record_check_quantity(Datum value, const char *name)
{
	if (DatumGetInt32(value) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be at least 1, not %d",
						name, DatumGetInt32(value)),
				 errhint("To take something back, use the function that removes it, or delete the row.")));
}

/*
 * Raises an error unless value is a finite numeric.
 */
void
record_check_finite(Datum value, const char *name)
{
	Numeric		number = DatumGetNumeric(value);

	if (numeric_is_nan(number) || numeric_is_inf(number))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a finite number", name),
				 errhint("Pass null where the number is not known.")));
}

/*
 * Raises an error unless value is a finite numeric that is not negative.
 */
void
record_check_price(Datum value, const char *name)
{
	record_check_finite(value, name);
	if (DatumGetBool(DirectFunctionCall2(numeric_lt, value,
										 NumericGetDatum(int64_to_numeric(0)))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be negative", name),
				 errhint("Pass null where the price is not known.")));
}

/*
 * Raises an error unless value is a text of 1 to RECORD_MAX_KEY_LEN bytes.
 */
void
record_check_key(Datum value, const char *name)
{
	int			len = (int) (toast_raw_datum_size(value) - VARHDRSZ);

	if (len < 1 || len > RECORD_MAX_KEY_LEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be 1 to %d bytes long, not %d",
						name, RECORD_MAX_KEY_LEN, len)));
}


/*
 * Raises an error unless value is an int4 on the rating scale.
 */
void
record_check_rating(Datum value, const char *name)
{
	if (DatumGetInt32(value) < RATING_MIN || DatumGetInt32(value) > RATING_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be from %d to %d, not %d",
						name, RATING_MIN, RATING_MAX, DatumGetInt32(value)),
				 errhint("Ratings are whole numbers from %d (worst) to %d (best).",
						 RATING_MIN, RATING_MAX)));
}

/*
 * Raises an error unless value, a text, names an event type of kind reaction.
 */
void
record_check_reaction(Datum value, const char *name)
{
	const EventType *types = interact_event_types();
	text	   *reaction = DatumGetTextPP(value);
	const char *given = VARDATA_ANY(reaction);
	int			len = VARSIZE_ANY_EXHDR(reaction);
	StringInfoData known;

	for (int id = 0; id < MAX_EVENT_TYPES; id++)
	{
		if (types[id].kind == EVENT_KIND_REACTION &&
			strlen(types[id].name) == (size_t) len &&
			memcmp(types[id].name, given, len) == 0)
			return;
	}

	initStringInfo(&known);
	for (int id = 0; id < MAX_EVENT_TYPES; id++)
	{
		if (types[id].kind == EVENT_KIND_REACTION)
			appendStringInfo(&known, "%s%s", known.len > 0 ? ", " : "",
							 types[id].name);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown %s \"%.*s\"", name,
					pg_mbcliplen(given, len, INTERACT_NAME_LEN), given),
			 errhint("Reactions are %s. Define others with interact_define_event().",
					 known.data)));
}


/* ---------- arguments ---------- */

/*
 * Argument n, called at; NULL means now.
 */
TimestampTz
record_arg_time(FunctionCallInfo fcinfo, int n)
{
	if (PG_ARGISNULL(n))
		return GetCurrentTimestamp();
	record_check_time(PG_GETARG_DATUM(n), "at");
	return PG_GETARG_TIMESTAMPTZ(n);
}

/*
 * Argument n, called quantity; NULL means 1.
 */
int32
record_arg_quantity(FunctionCallInfo fcinfo, int n)
{
	if (PG_ARGISNULL(n))
		return 1;
	record_check_quantity(PG_GETARG_DATUM(n), "quantity");
	return PG_GETARG_INT32(n);
}

/*
 * Argument n, checked.  *isnull tells whether it is NULL, which is then the
 * result to pass on; a NULL isnull makes that an error.
 */
Datum
record_arg(FunctionCallInfo fcinfo, int n, const char *name,
		   ValueCheck check, bool *isnull)
{
	if (isnull != NULL)
		*isnull = PG_ARGISNULL(n);
	if (PG_ARGISNULL(n))
	{
		if (isnull == NULL)
			interact_null_error(name);
		return (Datum) 0;
	}
	check(PG_GETARG_DATUM(n), name);
	return PG_GETARG_DATUM(n);
}


/* ---------- statements ---------- */

/*
 * Runs the statement and returns how many rows it wrote, or read in the case
 * of SPI_OK_SELECT.  nulls is NULL or as for SPI_execute_plan().
 */
uint64
record_run(InteractPlan *plan, const char *sql, int expected,
		   int nargs, Oid *argtypes, Datum *values, const char *nulls)
{
	uint64		rows;
	int			result;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	result = SPI_execute_plan(interact_plan(plan, sql, nargs, argtypes),
							  values, nulls, false, 0);
	if (result != expected)
		elog(ERROR, "SPI_execute_plan returned %s for: %s",
			 SPI_result_code_string(result), sql);
	rows = SPI_processed;
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	return rows;
}

/*
 * Runs fn(arg) in a subtransaction.  False, and nothing has happened, if a row
 * it wrote met one of another transaction in a unique constraint.
 */
bool
record_try(void (*fn) (void *arg), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool done = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		fn(arg);
		ReleaseCurrentSubTransaction();
		done = true;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (error->sqlerrcode != ERRCODE_UNIQUE_VIOLATION)
			ReThrowError(error);
		FreeErrorData(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return done;
}
