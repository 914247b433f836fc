/*-------------------------------------------------------------------------
 *
 * page.c
 *	  Pages of rows: what the functions that list something have in common.
 *
 * A list is ordered by time and row number, newest first, and a page of it is
 * a range of an index: the rows after the position (time, number) at which the
 * page before ended.  Rows that are added or removed meanwhile do not move the
 * others, so that a row that is there all the time comes on exactly one page.
 *
 * The statements run with the privileges of the caller and under the caller's
 * snapshot.  They write nothing and run on a standby.
 *
 * Their plans are kept for the session and do not depend on the values of
 * parameters or on statistics: a plan made while a table was small, or was
 * thought to be, would be bad for long.  What a page needs is known, the
 * index whose order is that of the list.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/timestamp.h"

/* Settings under which a page is planned as ranges of indexes. */
static const PlanSetting page_settings[] = {
	{"enable_indexscan", "on"},
	{"enable_indexonlyscan", "on"},
	{"enable_nestloop", "on"},
	{"enable_seqscan", "off"},
	{"enable_bitmapscan", "off"},
	{"enable_hashjoin", "off"},
	{"enable_mergejoin", "off"},
	{"enable_hashagg", "off"},
	{"max_parallel_workers_per_gather", "0"},
	{"jit", "off"}
};

/*
 * Reads the arguments of a page: max_items is the number of the argument of
 * that name, before that of before; before_id follows it.  page->key is left
 * alone.
 */
void
page_args(FunctionCallInfo fcinfo, ListPage *page, int max_items, int before)
{
	page->max_items = interact_arg_max_items(fcinfo, max_items);
	page->before = DT_NOEND;
	page->before_id = PG_INT64_MIN;

	if (!PG_ARGISNULL(before))
		page->before = PG_GETARG_TIMESTAMPTZ(before);
	if (!PG_ARGISNULL(before + 1))
	{
		if (PG_ARGISNULL(before))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("before_id needs before"),
					 errhint("Pass both as they are in the last row of the page before, or neither.")));
		page->before_id = PG_GETARG_INT64(before + 1);
	}
}

/*
 * The saved plan of a statement that lists something; the caller is connected
 * to SPI.
 */
SPIPlanPtr
page_plan(InteractPlan *plan, const char *sql, int nargs, const Oid *argtypes)
{
	SPIPlanPtr	made = interact_generic_plan(plan, sql, nargs,
											 unconstify(Oid *, argtypes));

	interact_plan_under(made, page_settings, lengthof(page_settings));
	return made;
}

/*
 * Runs a statement that lists something, with parameters that are not NULL;
 * the caller is connected to SPI and finds the rows in SPI_tuptable.
 */
void
page_run(InteractPlan *plan, const char *sql, int nargs, const Oid *argtypes,
		 Datum *values)
{
	int			result;

	result = SPI_execute_plan(page_plan(plan, sql, nargs, argtypes),
							  values, NULL, true, 0);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_plan returned %s for: %s",
			 SPI_result_code_string(result), sql);
}

/*
 * Puts rows into the result of the function, whose columns theirs have to be.
 */
void
page_put(FunctionCallInfo fcinfo, const SPITupleTable *rows)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	if (rows->tupdesc->natts != rsinfo->setDesc->natts)
		elog(ERROR, "rows have %d columns instead of %d",
			 rows->tupdesc->natts, rsinfo->setDesc->natts);
	for (uint64 i = 0; i < rows->numvals; i++)
		tuplestore_puttuple(rsinfo->setResult, rows->vals[i]);
}

/*
 * Returns a page: runs the statement, whose parameters $1 to $4 are the fields
 * of page and the following ones nmore others, and puts its rows into the
 * result of the function.
 */
void
page_return(FunctionCallInfo fcinfo, const ListPage *page,
			InteractPlan *plan, const char *sql,
			int nmore, const Oid *moretypes, const Datum *more)
{
	Oid			argtypes[PAGE_PARAMS + 2] = {INT8OID, TIMESTAMPTZOID, INT8OID,
	INT8OID};
	Datum		values[PAGE_PARAMS + 2] = {Int64GetDatum(page->key),
		TimestampTzGetDatum(page->before), Int64GetDatum(page->before_id),
	Int64GetDatum(page->max_items)};

	Assert(nmore <= 2);
	for (int i = 0; i < nmore; i++)
	{
		argtypes[PAGE_PARAMS + i] = moretypes[i];
		values[PAGE_PARAMS + i] = more[i];
	}

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	page_run(plan, sql, PAGE_PARAMS + nmore, argtypes, values);
	page_put(fcinfo, SPI_tuptable);
	SPI_finish();
}
