/*-------------------------------------------------------------------------
 *
 * record.c
 *	  The functions that record what one user does with one item, and take
 *	  it back.  Those for lists and the cart are in recordlist.c.
 *
 * Each is a shorter way to write one statement on one base table, nothing
 * else: the triggers of the table derive the rest, as they do for rows that
 * come from anywhere else.
 *
 * The statements run with the privileges of the caller.  Their names are
 * qualified and the plans are kept for the session, so that a call costs
 * little more than the statement itself.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "access/stratnum.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* Longest look back of interact_record_view(). */
#define MAX_DEDUP_DAYS		36525

PG_FUNCTION_INFO_V1(interact_record_view);
PG_FUNCTION_INFO_V1(interact_submit_review);
PG_FUNCTION_INFO_V1(interact_delete_review);
PG_FUNCTION_INFO_V1(interact_react);
PG_FUNCTION_INFO_V1(interact_unreact);
PG_FUNCTION_INFO_V1(interact_record_purchase);
PG_FUNCTION_INFO_V1(interact_record);


/* ---------- arguments of single functions ---------- */

/*
 * Reads value as a whole number from min to max into *result; false if it is
 * none.
 */
static bool
numeric_as_int(Numeric value, int min, int max, int *result)
{
	Datum		number = NumericGetDatum(value);

	if (numeric_is_nan(value) || numeric_is_inf(value) ||
		DatumGetBool(DirectFunctionCall2(numeric_lt, number,
										 NumericGetDatum(int64_to_numeric(min)))) ||
		DatumGetBool(DirectFunctionCall2(numeric_gt, number,
										 NumericGetDatum(int64_to_numeric(max)))))
		return false;

	*result = DatumGetInt32(DirectFunctionCall1(numeric_int4, number));

	/* numeric_int4() rounds */
	return DatumGetBool(DirectFunctionCall2(numeric_eq, number,
											NumericGetDatum(int64_to_numeric(*result))));
}

/*
 * Microseconds of the dedup argument n, which is not NULL.  A day has 24
 * hours and a month 30 days here, so that the result does not depend on the
 * time zone.
 */
static int64
arg_dedup(FunctionCallInfo fcinfo, int n)
{
	Interval   *dedup = PG_GETARG_INTERVAL_P(n);
	double		span;

	span = (double) dedup->time +
		((double) dedup->day + (double) dedup->month * DAYS_PER_MONTH) *
		USECS_PER_DAY;
	if (span < 1 || span > (double) MAX_DEDUP_DAYS * USECS_PER_DAY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dedup must be positive and at most %d days",
						MAX_DEDUP_DAYS),
				 errhint("Omit dedup to record every view.")));
	return (int64) span;
}


/* ---------- statements, one per kind of row ---------- */

/*
 * Adds a view.
 */
static void
write_view(int64 user, int64 item, TimestampTz at,
		   Datum context, bool context_null)
{
	static InteractPlan plan;
	Oid			argtypes[] = {INT8OID, INT8OID, TIMESTAMPTZOID, JSONBOID};
	Datum		values[] = {Int64GetDatum(user), Int64GetDatum(item),
	TimestampTzGetDatum(at), context};
	char		nulls[] = {' ', ' ', ' ', context_null ? 'n' : ' '};

	record_run(&plan,
			   "INSERT INTO %s.interact_view (user_id, item_id, viewed_at, context) "
			   "VALUES ($1, $2, $3, $4)",
			   SPI_OK_INSERT, lengthof(argtypes), argtypes, values, nulls);
}

/*
 * Adds or replaces the whole review; false if it is the same already.
 */
static bool
write_review(int64 user, int64 item, int32 rating,
			 Datum title, bool title_null, Datum comment, bool comment_null,
			 TimestampTz at)
{
	static InteractPlan plan;
	Oid			argtypes[] = {INT8OID, INT8OID, INT2OID, TEXTOID, TEXTOID,
	TIMESTAMPTZOID};
	Datum		values[] = {Int64GetDatum(user), Int64GetDatum(item),
		Int16GetDatum((int16) rating), title, comment,
	TimestampTzGetDatum(at)};
	char		nulls[] = {' ', ' ', ' ', title_null ? 'n' : ' ',
	comment_null ? 'n' : ' ', ' '};

	/* *<> compares whole records, and NULL with NULL as equal */
	return record_run(&plan,
					  "INSERT INTO %s.interact_review AS r "
					  "(user_id, item_id, rating, title, comment, created_at, updated_at) "
					  "VALUES ($1, $2, $3, $4, $5, $6, $6) "
					  "ON CONFLICT (user_id, item_id) DO UPDATE "
					  "SET rating = excluded.rating, title = excluded.title, "
					  "comment = excluded.comment, updated_at = excluded.updated_at "
					  "WHERE ROW(r.rating, r.title, r.comment)::pg_catalog.record "
					  "OPERATOR(pg_catalog.*<>) "
					  "ROW(excluded.rating, excluded.title, excluded.comment)::pg_catalog.record",
					  SPI_OK_INSERT, lengthof(argtypes), argtypes, values, nulls) > 0;
}

/*
 * Adds a review without words, or changes the rating of the one there is and
 * keeps its words; false if the rating is the same already.
 */
static bool
write_rating(int64 user, int64 item, int32 rating, TimestampTz at)
{
	static InteractPlan plan;
	Oid			argtypes[] = {INT8OID, INT8OID, INT2OID, TIMESTAMPTZOID};
	Datum		values[] = {Int64GetDatum(user), Int64GetDatum(item),
	Int16GetDatum((int16) rating), TimestampTzGetDatum(at)};

	return record_run(&plan,
					  "INSERT INTO %s.interact_review AS r "
					  "(user_id, item_id, rating, created_at, updated_at) "
					  "VALUES ($1, $2, $3, $4, $4) "
					  "ON CONFLICT (user_id, item_id) DO UPDATE "
					  "SET rating = excluded.rating, updated_at = excluded.updated_at "
					  "WHERE r.rating OPERATOR(pg_catalog.<>) excluded.rating",
					  SPI_OK_INSERT, lengthof(argtypes), argtypes, values, NULL) > 0;
}

/*
 * Adds or replaces the reaction; false if it is the same already.
 */
static bool
write_reaction(int64 user, int64 item, Datum reaction, TimestampTz at)
{
	static InteractPlan plan;
	Oid			argtypes[] = {INT8OID, INT8OID, TEXTOID, TIMESTAMPTZOID};
	Datum		values[] = {Int64GetDatum(user), Int64GetDatum(item), reaction,
	TimestampTzGetDatum(at)};

	return record_run(&plan,
					  "INSERT INTO %s.interact_reaction AS r "
					  "(user_id, item_id, reaction, created_at) "
					  "VALUES ($1, $2, $3, $4) "
					  "ON CONFLICT (user_id, item_id) DO UPDATE "
					  "SET reaction = excluded.reaction, created_at = excluded.created_at "
					  "WHERE r.reaction OPERATOR(pg_catalog.<>) excluded.reaction",
					  SPI_OK_INSERT, lengthof(argtypes), argtypes, values, NULL) > 0;
}

/*
 * Adds a purchase.
 */
static void
write_purchase(int64 user, int64 item, int32 quantity,
			   Datum unit_price, bool price_null,
			   Datum order_id, bool order_null, TimestampTz at)
{
	static InteractPlan plan;
	Oid			argtypes[] = {INT8OID, INT8OID, INT4OID, NUMERICOID, TEXTOID,
	TIMESTAMPTZOID};
	Datum		values[] = {Int64GetDatum(user), Int64GetDatum(item),
		Int32GetDatum(quantity), unit_price, order_id,
	TimestampTzGetDatum(at)};
	char		nulls[] = {' ', ' ', ' ', price_null ? 'n' : ' ',
	order_null ? 'n' : ' ', ' '};

	record_run(&plan,
			   "INSERT INTO %s.interact_purchase "
			   "(user_id, item_id, quantity, unit_price, order_id, purchased_at) "
			   "VALUES ($1, $2, $3, $4, $5, $6)",
			   SPI_OK_INSERT, lengthof(argtypes), argtypes, values, nulls);
}

/*
 * Adds a custom event.
 */
static void
write_event(int64 user, int64 item, Datum event, Datum value, bool value_null,
			TimestampTz at, Datum context, bool context_null)
{
	static InteractPlan plan;
	Oid			argtypes[] = {INT8OID, INT8OID, TEXTOID, NUMERICOID,
	TIMESTAMPTZOID, JSONBOID};
	Datum		values[] = {Int64GetDatum(user), Int64GetDatum(item), event,
	value, TimestampTzGetDatum(at), context};
	char		nulls[] = {' ', ' ', ' ', value_null ? 'n' : ' ', ' ',
	context_null ? 'n' : ' '};

	record_run(&plan,
			   "INSERT INTO %s.interact_event "
			   "(user_id, item_id, event, value, occurred_at, context) "
			   "VALUES ($1, $2, $3, $4, $5, $6)",
			   SPI_OK_INSERT, lengthof(argtypes), argtypes, values, nulls);
}


/* ---------- views ---------- */

/*
 * has_view() for a caller whom row security shows only some of the rows.
 */
static bool
has_visible_view(int64 user, int64 item, TimestampTz from, TimestampTz to)
{
	static InteractPlan plan;
	Oid			argtypes[] = {INT8OID, INT8OID, TIMESTAMPTZOID,
	TIMESTAMPTZOID};
	Datum		values[] = {Int64GetDatum(user), Int64GetDatum(item),
	TimestampTzGetDatum(from), TimestampTzGetDatum(to)};

	return record_run(&plan,
					  "SELECT FROM %s.interact_view "
					  "WHERE item_id OPERATOR(pg_catalog.=) $2 "
					  "AND user_id OPERATOR(pg_catalog.=) $1 "
					  "AND viewed_at OPERATOR(pg_catalog.>=) $3 "
					  "AND viewed_at OPERATOR(pg_catalog.<=) $4 LIMIT 1",
					  SPI_OK_SELECT, lengthof(argtypes), argtypes, values, NULL) > 0;
}

/*
 * Does the pair have a view between two times, both included?  Sees what is
 * committed at this moment and what the transaction wrote itself, at any
 * isolation level, and leaves no predicate lock behind: the answer decides
 * about one row of this pair, it must not make transactions conflict.
 */
static bool
has_view(int64 user, int64 item, TimestampTz from, TimestampTz to)
{
	Relation	heap;
	Relation	index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	ScanKeyData keys[4];
	AclResult	aclresult;
	bool		found;

	/*
	 * The locks are those of the INSERT that follows.  The table's comes
	 * before the index is looked up: REINDEX CONCURRENTLY waits for it before
	 * it drops the old index.
	 */
	heap = table_open(interact_relid(REL_VIEW), RowExclusiveLock);

	aclresult = pg_class_aclcheck(RelationGetRelid(heap), GetUserId(),
								  ACL_SELECT);
	if (aclresult != ACLCHECK_OK)
		aclcheck_error(aclresult, OBJECT_TABLE, RelationGetRelationName(heap));

	if (check_enable_rls(RelationGetRelid(heap), InvalidOid, true) == RLS_ENABLED)
	{
		table_close(heap, NoLock);
		return has_visible_view(user, item, from, to);
	}

	index = index_open(interact_relid(REL_VIEW_PAIR), RowExclusiveLock);
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ,
				Int64GetDatum(item));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT8EQ,
				Int64GetDatum(user));
	ScanKeyInit(&keys[2], 3, BTGreaterEqualStrategyNumber, F_TIMESTAMPTZ_GE,
				TimestampTzGetDatum(from));
	ScanKeyInit(&keys[3], 3, BTLessEqualStrategyNumber, F_TIMESTAMPTZ_LE,
				TimestampTzGetDatum(to));

	slot = table_slot_create(heap, NULL);
	scan = interact_index_beginscan(heap, index, SnapshotSelf, lengthof(keys));
	index_rescan(scan, keys, lengthof(keys), NULL, 0);
	found = index_getnext_slot(scan, ForwardScanDirection, slot);
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);

	index_close(index, NoLock);
	table_close(heap, NoLock);
	return found;
}

/*
 * interact_record_view(user_id, item_id, at, context, dedup) returns boolean
 *
 * Adds a view, unless dedup is given and the pair has a view less than or
 * exactly that far from at.  Two sessions that record the same pair at the
 * same moment do not wait for each other and may both add one.
 */
Datum
interact_record_view(PG_FUNCTION_ARGS)
{
	int64		user = interact_arg_user(fcinfo, 0, "user_id");
	int64		item = interact_arg_id(fcinfo, 1, "item_id");
	TimestampTz at = record_arg_time(fcinfo, 2);

	if (!PG_ARGISNULL(4))
	{
		int64		dedup = arg_dedup(fcinfo, 4);

		if (has_view(user, item, at - dedup, at + dedup))
			PG_RETURN_BOOL(false);
	}

	write_view(user, item, at, PG_GETARG_DATUM(3), PG_ARGISNULL(3));
	PG_RETURN_BOOL(true);
}


/* ---------- reviews ---------- */

/*
 * interact_submit_review(user_id, item_id, rating, comment, title, at)
 * returns boolean
 *
 * Writes the user's review of the item in place of an earlier one, whose
 * created_at stays; false if rating and words are the same already.
 */
Datum
interact_submit_review(PG_FUNCTION_ARGS)
{
	int64		user = interact_arg_user(fcinfo, 0, "user_id");
	int64		item = interact_arg_id(fcinfo, 1, "item_id");
	Datum		rating = record_arg(fcinfo, 2, "rating", record_check_rating, NULL);
	TimestampTz at = record_arg_time(fcinfo, 5);

	PG_RETURN_BOOL(write_review(user, item, DatumGetInt32(rating),
								PG_GETARG_DATUM(4), PG_ARGISNULL(4),
								PG_GETARG_DATUM(3), PG_ARGISNULL(3), at));
}

/*
 * interact_delete_review(user_id, item_id) returns boolean
 *
 * Deletes the user's review of the item; false if there is none.
 */
Datum
interact_delete_review(PG_FUNCTION_ARGS)
{
	static InteractPlan plan;
	static InteractPlan found;
	Oid			argtypes[] = {INT8OID, INT8OID};
	Datum		values[2];

	values[0] = Int64GetDatum(interact_arg_user(fcinfo, 0, "user_id"));
	values[1] = Int64GetDatum(interact_arg_id(fcinfo, 1, "item_id"));

	if (IsolationIsSerializable())
	{
		ScanKeyData keys[2];

		record_pair_keys(keys, DatumGetInt64(values[0]), DatumGetInt64(values[1]));
		PG_RETURN_BOOL(record_run_found(&found,
										"DELETE FROM %s.interact_review "
										"WHERE ctid OPERATOR(pg_catalog.=) ANY ($1)",
										SPI_OK_DELETE, REL_REVIEW, REL_REVIEW_PAIR,
										keys, lengthof(keys),
										1, argtypes, values, NULL) > 0);
	}

	PG_RETURN_BOOL(record_run(&plan,
							  "DELETE FROM %s.interact_review "
							  "WHERE user_id OPERATOR(pg_catalog.=) $1 "
							  "AND item_id OPERATOR(pg_catalog.=) $2",
							  SPI_OK_DELETE, lengthof(argtypes), argtypes,
							  values, NULL) > 0);
}


/* ---------- reactions ---------- */

/*
 * interact_react(user_id, item_id, reaction, at) returns boolean
 *
 * Sets the user's reaction to the item in place of an earlier one; false if
 * it is the same already.
 */
Datum
interact_react(PG_FUNCTION_ARGS)
{
	int64		user = interact_arg_user(fcinfo, 0, "user_id");
	int64		item = interact_arg_id(fcinfo, 1, "item_id");
	Datum		reaction = record_arg(fcinfo, 2, "reaction", record_check_reaction,
									  NULL);
	TimestampTz at = record_arg_time(fcinfo, 3);

	PG_RETURN_BOOL(write_reaction(user, item, reaction, at));
}

/*
 * interact_unreact(user_id, item_id) returns boolean
 *
 * Takes the user's reaction back; false if there is none.
 */
Datum
interact_unreact(PG_FUNCTION_ARGS)
{
	static InteractPlan plan;
	static InteractPlan found;
	Oid			argtypes[] = {INT8OID, INT8OID};
	Datum		values[2];

	values[0] = Int64GetDatum(interact_arg_user(fcinfo, 0, "user_id"));
	values[1] = Int64GetDatum(interact_arg_id(fcinfo, 1, "item_id"));

	if (IsolationIsSerializable())
	{
		ScanKeyData keys[2];

		record_pair_keys(keys, DatumGetInt64(values[0]), DatumGetInt64(values[1]));
		PG_RETURN_BOOL(record_run_found(&found,
										"DELETE FROM %s.interact_reaction "
										"WHERE ctid OPERATOR(pg_catalog.=) ANY ($1)",
										SPI_OK_DELETE, REL_REACTION, REL_REACTION_PAIR,
										keys, lengthof(keys),
										1, argtypes, values, NULL) > 0);
	}

	PG_RETURN_BOOL(record_run(&plan,
							  "DELETE FROM %s.interact_reaction "
							  "WHERE user_id OPERATOR(pg_catalog.=) $1 "
							  "AND item_id OPERATOR(pg_catalog.=) $2",
							  SPI_OK_DELETE, lengthof(argtypes), argtypes,
							  values, NULL) > 0);
}


/* ---------- purchases ---------- */

/*
 * interact_record_purchase(user_id, item_id, quantity, unit_price, order_id,
 * at) returns boolean
 *
 * Adds a purchase.
 */
Datum
interact_record_purchase(PG_FUNCTION_ARGS)
{
	int64		user = interact_arg_user(fcinfo, 0, "user_id");
	int64		item = interact_arg_id(fcinfo, 1, "item_id");
	int32		quantity = record_arg_quantity(fcinfo, 2);
	bool		price_null;
	Datum		unit_price = record_arg(fcinfo, 3, "unit_price", record_check_price,
										&price_null);
	bool		order_null;
	Datum		order_id = record_arg(fcinfo, 4, "order_id", record_check_key,
									  &order_null);
	TimestampTz at = record_arg_time(fcinfo, 5);

	write_purchase(user, item, quantity, unit_price, price_null,
				   order_id, order_null, at);
	PG_RETURN_BOOL(true);
}


/* ---------- any event by name ---------- */

/*
 * Raises the error that an event does not go with its value.
 */
static void
value_error(const EventType *type, const char *needs, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("event \"%s\" takes %s", type->name, needs),
			 hint ? errhint("%s", hint) : 0));
}

/*
 * interact_record(user_id, item_id, event, value, at, context)
 * returns boolean
 *
 * Records an event of any type in the table it belongs to; false if nothing
 * changed.
 */
Datum
interact_record(PG_FUNCTION_ARGS)
{
	int64		user = interact_arg_user(fcinfo, 0, "user_id");
	int64		item = interact_arg_id(fcinfo, 1, "item_id");
	Datum		value = PG_GETARG_DATUM(3);
	bool		no_value = PG_ARGISNULL(3);
	TimestampTz at;
	text	   *event;
	int			id;
	const EventType *type;
	int			number = 1;

	if (PG_ARGISNULL(2))
		interact_null_error("event");
	event = PG_GETARG_TEXT_PP(2);
	id = interact_event_id(VARDATA_ANY(event), VARSIZE_ANY_EXHDR(event));
	type = &interact_event_types()[id];

	at = record_arg_time(fcinfo, 4);

	if (!PG_ARGISNULL(5) && id != EVENT_VIEW &&
		type->kind != EVENT_KIND_EVENT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("event \"%s\" takes no context", type->name),
				 errhint("Only views and custom events keep a context.")));

	if (type->kind == EVENT_KIND_EVENT)
	{
		if (!no_value)
			record_check_finite(value, "value");
		write_event(user, item, PointerGetDatum(event), value, no_value,
					at, PG_GETARG_DATUM(5), PG_ARGISNULL(5));
		PG_RETURN_BOOL(true);
	}

	if (type->kind == EVENT_KIND_REACTION)
	{
		if (!no_value)
			value_error(type, "no value", NULL);
		PG_RETURN_BOOL(write_reaction(user, item, PointerGetDatum(event), at));
	}

	switch (id)
	{
		case EVENT_VIEW:
			if (!no_value)
				value_error(type, "no value", NULL);
			write_view(user, item, at, PG_GETARG_DATUM(5), PG_ARGISNULL(5));
			PG_RETURN_BOOL(true);

		case EVENT_FAVORITE:
			if (!no_value)
				value_error(type, "no value",
							"Use interact_add_favorite() to name a list.");
			PG_RETURN_BOOL(record_favorite(user, item,
										  CStringGetTextDatum("favorites"),
										  at));

		case EVENT_CART:
			if (!no_value &&
				!numeric_as_int(DatumGetNumeric(value), 1, PG_INT32_MAX,
								&number))
				value_error(type, "a value that is a whole number of at least 1",
							"The value is the quantity; omitted it is 1.");
			record_cart_item(user, item, number, at);
			PG_RETURN_BOOL(true);

		case EVENT_PURCHASE:
			if (!no_value)
				record_check_price(value, "value");
			write_purchase(user, item, 1, value, no_value, (Datum) 0, true,
						   at);
			PG_RETURN_BOOL(true);

		case EVENT_RATING:
			if (no_value ||
				!numeric_as_int(DatumGetNumeric(value), RATING_MIN, RATING_MAX,
								&number))
				value_error(type,
							psprintf("a value that is a whole number from %d to %d",
									 RATING_MIN, RATING_MAX),
							psprintf("The value is the rating, from %d (worst) to %d (best).",
									 RATING_MIN, RATING_MAX));
			PG_RETURN_BOOL(write_rating(user, item, number, at));
	}

	elog(ERROR, "built-in event type %d has no table", id);
	PG_RETURN_NULL();			/* keep compiler quiet */
}
