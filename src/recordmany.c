/*-------------------------------------------------------------------------
 *
 * recordmany.c
 *	  The functions that record many rows with one statement: arrays, one
 *	  element per row, and the checkout of a cart.
 *
 * One statement means that the derivation triggers see all rows as one batch
 * and that either all of them are written or none.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

/* Where in an array argument an error was found. */
typedef struct ElementContext
{
	const char *array;			/* name of the argument */
	int			element;		/* counted from 1 */
} ElementContext;

PG_FUNCTION_INFO_V1(interact_record_views);
PG_FUNCTION_INFO_V1(interact_record_purchases);
PG_FUNCTION_INFO_V1(interact_checkout);


/*
 * Error context: which element of which array argument.
 */
static void
element_context(void *arg)
{
	ElementContext *context = (ElementContext *) arg;

	errcontext("element %d of argument \"%s\"", context->element,
			   context->array);
}

/*
 * Array argument n: one-dimensional, of *nitems elements, or of any number,
 * which is then stored there, if *nitems is -1.  An element is called
 * elementname in messages, and each that is not NULL has to pass the check.
 * Without a check, elements must not be NULL and neither must the argument;
 * otherwise *isnull tells whether it is.
 */
static Datum
arg_array(FunctionCallInfo fcinfo, int n, const char *name,
		  const char *elementname, ValueCheck check,
		  int *nitems, bool *isnull)
{
	ArrayType  *array;
	int			found;

	*isnull = PG_ARGISNULL(n);
	if (PG_ARGISNULL(n))
	{
		if (check == NULL)
			interact_null_error(name);
		return (Datum) 0;
	}

	array = PG_GETARG_ARRAYTYPE_P(n);
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s must be a one-dimensional array", name)));

	found = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	if (*nitems == -1)
		*nitems = found;
	if (found != *nitems)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("arrays must have the same number of elements"),
				 errdetail("user_ids has %d, %s has %d.",
						   *nitems, name, found),
				 check == NULL ? 0 :
				 errhint("Pass null instead of an array where all rows take the default.")));

	if (check == NULL)
	{
		if (array_contains_nulls(array))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s must not contain null", name)));
	}
	else
	{
		ElementContext context = {.array = name};
		ErrorContextCallback callback;
		Datum	   *values;
		bool	   *nulls;
		int16		typlen;
		bool		typbyval;
		char		typalign;

		get_typlenbyvalalign(ARR_ELEMTYPE(array),
							 &typlen, &typbyval, &typalign);
		deconstruct_array(array, ARR_ELEMTYPE(array),
						  typlen, typbyval, typalign,
						  &values, &nulls, &found);

		callback.callback = element_context;
		callback.arg = &context;
		callback.previous = error_context_stack;
		error_context_stack = &callback;
		for (int i = 0; i < found; i++)
		{
			CHECK_FOR_INTERRUPTS();
			context.element = i + 1;
			if (!nulls[i])
				check(values[i], elementname);
		}
		error_context_stack = callback.previous;

		pfree(values);
		pfree(nulls);
	}

	return PointerGetDatum(array);
}

/*
 * The user_ids argument: argument 0, whose elements are all users that the
 * session may record as.
 */
static Datum
arg_users(FunctionCallInfo fcinfo, int *nitems)
{
	bool		isnull;
	Datum		array = arg_array(fcinfo, 0, "user_ids", "user_id", NULL,
								  nitems, &isnull);
	int			nusers;
	int64	   *users = interact_arg_ids(fcinfo, 0, "user_ids", &nusers);

	for (int i = 0; i < nusers; i++)
		interact_check_user(users[i], "user_id");
	return array;
}


/*
 * interact_record_views(user_ids, item_ids, at) returns bigint
 *
 * Adds one view per element and returns how many.
 */
Datum
interact_record_views(PG_FUNCTION_ARGS)
{
	static InteractPlan plan;
	Oid			argtypes[] = {INT8ARRAYOID, INT8ARRAYOID,
	TIMESTAMPTZARRAYOID, TIMESTAMPTZOID};
	Datum		values[4];
	char		nulls[] = {' ', ' ', ' ', ' '};
	int			nitems = -1;
	bool		isnull;

	values[0] = arg_users(fcinfo, &nitems);
	values[1] = arg_array(fcinfo, 1, "item_ids", "item_id", NULL,
						  &nitems, &isnull);
	values[2] = arg_array(fcinfo, 2, "at", "at", record_check_time,
						  &nitems, &isnull);
	if (isnull)
		nulls[2] = 'n';
	values[3] = TimestampTzGetDatum(GetCurrentTimestamp());

	if (nitems == 0)
		PG_RETURN_INT64(0);
	PG_RETURN_INT64((int64)
					record_run(&plan,
							   "INSERT INTO %s.interact_view (user_id, item_id, viewed_at) "
							   "SELECT u, i, COALESCE(t, $4) "
							   "FROM ROWS FROM (pg_catalog.unnest($1), "
							   "pg_catalog.unnest($2), pg_catalog.unnest($3)) AS a (u, i, t)",
							   SPI_OK_INSERT, lengthof(argtypes), argtypes,
							   values, nulls));
}


/*
 * interact_record_purchases(user_ids, item_ids, quantities, unit_prices,
 * order_ids, at) returns bigint
 *
 * Adds one purchase per element and returns how many.
 */
Datum
interact_record_purchases(PG_FUNCTION_ARGS)
{
	static const struct
	{
		const char *array;		/* name of the argument */
		const char *element;	/* what messages call one of its elements */
		ValueCheck	check;
	}			args[] =
	{
		{"user_ids", "user_id", NULL},	/* see arg_users() */
		{"item_ids", "item_id", NULL},
		{"quantities", "quantity", record_check_quantity},
		{"unit_prices", "unit_price", record_check_price},
		{"order_ids", "order_id", record_check_key},
		{"at", "at", record_check_time},
	};
	static InteractPlan plan;
	Oid			argtypes[] = {INT8ARRAYOID, INT8ARRAYOID, INT4ARRAYOID,
		NUMERICARRAYOID, TEXTARRAYOID, TIMESTAMPTZARRAYOID,
	TIMESTAMPTZOID};
	Datum		values[lengthof(args) + 1];
	char		nulls[lengthof(args) + 1];
	int			nitems = -1;

	values[0] = arg_users(fcinfo, &nitems);
	nulls[0] = ' ';
	for (int i = 1; i < (int) lengthof(args); i++)
	{
		bool		isnull;

		values[i] = arg_array(fcinfo, i, args[i].array, args[i].element,
							  args[i].check, &nitems, &isnull);
		nulls[i] = isnull ? 'n' : ' ';
	}
	values[lengthof(args)] = TimestampTzGetDatum(GetCurrentTimestamp());
	nulls[lengthof(args)] = ' ';

	if (nitems == 0)
		PG_RETURN_INT64(0);
	PG_RETURN_INT64((int64)
					record_run(&plan,
							   "INSERT INTO %s.interact_purchase "
							   "(user_id, item_id, quantity, unit_price, order_id, purchased_at) "
							   "SELECT u, i, COALESCE(q, 1), p, o, COALESCE(t, $7) "
							   "FROM ROWS FROM (pg_catalog.unnest($1), "
							   "pg_catalog.unnest($2), pg_catalog.unnest($3), "
							   "pg_catalog.unnest($4), pg_catalog.unnest($5), "
							   "pg_catalog.unnest($6)) AS a (u, i, q, p, o, t)",
							   SPI_OK_INSERT, lengthof(argtypes), argtypes,
							   values, nulls));
}


/*
 * interact_checkout(user_id, order_id, at) returns integer
 *
 * Closes all open cart rows of the user as bought and adds a purchase for
 * each; returns how many.
 */
Datum
interact_checkout(PG_FUNCTION_ARGS)
{
	static InteractPlan plan;
	static InteractPlan found;
	Oid			argtypes[] = {INT8OID, TEXTOID, TIMESTAMPTZOID};
	Datum		values[3];
	char		nulls[] = {' ', ' ', ' '};
	bool		no_order;

	values[0] = Int64GetDatum(interact_arg_user(fcinfo, 0, "user_id"));
	values[1] = record_arg(fcinfo, 1, "order_id", record_check_key, &no_order);
	if (no_order)
		nulls[1] = 'n';
	values[2] = TimestampTzGetDatum(record_arg_time(fcinfo, 2));

	if (IsolationIsSerializable())
	{
		ScanKeyData keys[2];
		Datum		user = values[0];
		Oid			found_types[] = {TIDARRAYOID, TEXTOID, TIMESTAMPTZOID, INT8OID};
		Datum		found_values[] = {(Datum) 0, values[1], values[2], user};
		char		found_nulls[] = {' ', nulls[1], ' ', ' '};

		record_pair_keys(keys, DatumGetInt64(user), 0);
		PG_RETURN_INT32((int32)
						record_run_found(&found,
										 "WITH bought AS ("
										 "UPDATE %s.interact_cart_item SET purchased_at = $3 "
										 "WHERE ctid OPERATOR(pg_catalog.=) ANY ($1) "
										 "RETURNING item_id, quantity) "
										 "INSERT INTO %s.interact_purchase "
										 "(user_id, item_id, quantity, order_id, purchased_at) "
										 "SELECT $4, item_id, quantity, $2, $3 "
										 "FROM bought ORDER BY item_id",
										 SPI_OK_INSERT,
										 REL_CART_ITEM, REL_CART_ITEM_OPEN,
										 keys, 1,
										 lengthof(found_types), found_types,
										 found_values, found_nulls));
	}

	PG_RETURN_INT32((int32)
					record_run(&plan,
							   "WITH bought AS ("
							   "UPDATE %s.interact_cart_item SET purchased_at = $3 "
							   "WHERE user_id OPERATOR(pg_catalog.=) $1 "
							   "AND removed_at IS NULL AND purchased_at IS NULL "
							   "RETURNING item_id, quantity) "
							   "INSERT INTO %s.interact_purchase "
							   "(user_id, item_id, quantity, order_id, purchased_at) "
							   "SELECT $1, item_id, quantity, $2, $3 "
							   "FROM bought ORDER BY item_id",
							   SPI_OK_INSERT, lengthof(argtypes), argtypes,
							   values, nulls));
}
