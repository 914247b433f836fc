/*-------------------------------------------------------------------------
 *
 * filter.c
 *	  The caller's own condition on the items of an answer: a function
 *
 *	  (item_id bigint, arg jsonb) returns boolean
 *
 * It is called for one item after the other, in the order of the ranking,
 * until enough passed; so it can never leave an answer short while there is
 * something else to offer.  What it costs is not known here, therefore the
 * number of calls has a bound.
 *
 * The function runs with the rights of the caller, who needs EXECUTE on it, as
 * if called in the query.  It may do anything a function may, and its errors
 * are those of the query.  The functions that take a filter are parallel safe
 * without one; whether the filter is, the planner cannot know, so a worker
 * refuses one that is not marked as such.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "access/parallel.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

struct ItemFilter
{
	FmgrInfo	flinfo;
	Datum		arg;			/* second argument */
	bool		argnull;
	int			calls;			/* so far */
	int			max_calls;
	bool		spent;			/* another call was needed, but not allowed */
	MemoryContext scratch;		/* what one call allocates */
};

/*
 * Raises an error unless the function has the arguments and the result of a
 * filter, the caller may execute it, and it can run here.
 */
static void
check_function(Oid funcid, bool argnull)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	Form_pg_proc proc;
	AclResult	acl;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("filter function with OID %u does not exist", funcid)));
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	if (proc->prokind != PROKIND_FUNCTION || proc->proretset ||
		proc->prorettype != BOOLOID || proc->pronargs != 2 ||
		proc->proargtypes.values[0] != INT8OID ||
		proc->proargtypes.values[1] != JSONBOID)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
				 errmsg("%s cannot be used as a filter",
						format_procedure(funcid)),
				 errdetail("A filter is a function (item_id bigint, arg jsonb) that returns boolean.")));

	acl = interact_proc_aclcheck(funcid, GetUserId(), ACL_EXECUTE);
	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, OBJECT_FUNCTION, format_procedure(funcid));
	InvokeFunctionExecuteHook(funcid);

	if (argnull && proc->proisstrict)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("filter_arg must not be null for the strict function %s",
						format_procedure(funcid)),
				 errdetail("It would not be called, and no item would pass."),
				 errhint("Give filter_arg a value, such as '{}', or mark the function CALLED ON NULL INPUT.")));
	if (IsParallelWorker() && proc->proparallel != PROPARALLEL_SAFE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_STATE),
				 errmsg("filter function %s is not parallel safe",
						format_procedure(funcid)),
				 errhint("Mark it PARALLEL SAFE if it is, or set max_parallel_workers_per_gather to 0.")));
	ReleaseSysCache(tuple);
}

/*
 * Opens the filter in argument n of fcinfo, whose second argument is argument
 * n + 1, for at most max_calls calls.  Returns NULL if there is none; else it
 * is allocated in the current memory context.
 */
ItemFilter *
item_filter_open(FunctionCallInfo fcinfo, int n, int max_calls)
{
	ItemFilter *filter;
	Oid			funcid;

	if (PG_ARGISNULL(n))
		return NULL;

	funcid = PG_GETARG_OID(n);
	filter = palloc0(sizeof(ItemFilter));
	filter->argnull = PG_ARGISNULL(n + 1);
	check_function(funcid, filter->argnull);
	if (!filter->argnull)
		filter->arg = PG_GETARG_DATUM(n + 1);
	fmgr_info(funcid, &filter->flinfo);
	filter->max_calls = max_calls;
	filter->scratch = AllocSetContextCreate(CurrentMemoryContext,
											"interact filter",
											ALLOCSET_SMALL_SIZES);
	return filter;
}

/*
 * Whether an item passes; without a filter all do.  When the number of calls
 * is used up says so, once, and lets nothing pass any more.
 */
bool
item_filter_passes(ItemFilter *filter, int64 item)
{
	LOCAL_FCINFO(call, 2);
	PgStat_FunctionCallUsage usage;
	MemoryContext oldcontext;
	Datum		result;

	if (filter == NULL)
		return true;
	if (filter->spent)
		return false;
	if (filter->calls >= filter->max_calls)
	{
		filter->spent = true;
		ereport(NOTICE,
				(errmsg("the answer is not complete: the calls of filter function %s are used up",
						format_procedure(filter->flinfo.fn_oid)),
				 errdetail("The setting filter_calls is %d.",
						   filter->max_calls),
				 errhint("Raise it if more calls are worth their time.")));
		return false;
	}

	CHECK_FOR_INTERRUPTS();
	check_stack_depth();
	oldcontext = MemoryContextSwitchTo(filter->scratch);
	InitFunctionCallInfoData(*call, &filter->flinfo, 2, InvalidOid, NULL, NULL);
	call->args[0].value = Int64GetDatum(item);
	call->args[0].isnull = false;
	call->args[1].value = filter->arg;
	call->args[1].isnull = filter->argnull;
	pgstat_init_function_usage(call, &usage);
	result = FunctionCallInvoke(call);
	pgstat_end_function_usage(&usage, true);
	filter->calls++;
	MemoryContextSwitchTo(oldcontext);
	MemoryContextReset(filter->scratch);
	return !call->isnull && DatumGetBool(result);
}

/*
 * Whether the filter lets nothing pass any more.
 */
bool
item_filter_spent(const ItemFilter *filter)
{
	return filter != NULL && filter->spent;
}
