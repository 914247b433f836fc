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
 * Their plans are kept for the session and must not depend on the values of
 * parameters or on statistics.  A plan that was made while a table was small,
 * or while most users had a single row, may take an index that finds the rows
 * of the user and then look through all of them.  The statements are therefore
 * written such that just one index fits: rows are compared with all its
 * leading columns at once, (user_id, list, created_at, id) < (...), and ordered
 * by the same columns, where an equality would leave the planner a choice; and
 * they are planned as if sorting were expensive.
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
	{"enable_sort", "off"},
	{"enable_incremental_sort", "off"},
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
 * Runs the statement of a page, whose parameters $1 to $4 are the fields of
 * page and $5, if there is one, has this type and value.  Puts its rows into
 * the result of the function, which has to be set up, and returns how many.
 */
int
page_append(FunctionCallInfo fcinfo, const ListPage *page,
			InteractPlan *plan, const char *sql, Oid nametype, Datum name)
{
	Oid			argtypes[] = {INT8OID, TIMESTAMPTZOID, INT8OID, INT8OID,
	nametype};
	Datum		values[] = {Int64GetDatum(page->key),
		TimestampTzGetDatum(page->before), Int64GetDatum(page->before_id),
	Int64GetDatum(page->max_items), name};
	int			nrows;

	SPI_connect();
	page_run(plan, sql, OidIsValid(nametype) ? 5 : 4, argtypes, values);
	page_put(fcinfo, SPI_tuptable);
	nrows = (int) SPI_tuptable->numvals;
	SPI_finish();
	return nrows;
}

/*
 * Returns a page that is one statement without a name.
 */
void
page_return(FunctionCallInfo fcinfo, const ListPage *page,
			InteractPlan *plan, const char *sql)
{
	InitMaterializedSRF(fcinfo, 0);
	page_append(fcinfo, page, plan, sql, InvalidOid, (Datum) 0);
}

/*
 * Returns a page that is one statement with a name.
 */
void
page_return_named(FunctionCallInfo fcinfo, const ListPage *page,
				  InteractPlan *plan, const char *sql, Datum name)
{
	InitMaterializedSRF(fcinfo, 0);
	page_append(fcinfo, page, plan, sql, TEXTOID, name);
}
