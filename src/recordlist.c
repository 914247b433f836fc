/*-------------------------------------------------------------------------
 *
 * recordlist.c
 *	  The functions that change what is on a user's lists and in the cart.
 *
 * As in record.c, each is a shorter way to write one or two statements on one
 * base table, which run with the privileges of the caller, and the triggers of
 * the table derive the rest.
 *
 * Statements that look for rows to change come twice.  In serializable
 * transactions the rows are found by hand, see recordfind.c.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/* Attempts of interact_toggle_favorite() while other sessions do the same. */
#define TOGGLE_TRIES		10

PG_FUNCTION_INFO_V1(interact_add_favorite);
PG_FUNCTION_INFO_V1(interact_remove_favorite);
PG_FUNCTION_INFO_V1(interact_toggle_favorite);
PG_FUNCTION_INFO_V1(interact_move_favorite);
PG_FUNCTION_INFO_V1(interact_clear_favorites);
PG_FUNCTION_INFO_V1(interact_add_to_cart);
PG_FUNCTION_INFO_V1(interact_set_cart_quantity);
PG_FUNCTION_INFO_V1(interact_remove_from_cart);
PG_FUNCTION_INFO_V1(interact_clear_cart);


/* ---------- favorites ---------- */

/*
 * Puts the item on a list; false if it is there.
 */
bool
record_favorite(int64 user, int64 item, Datum list, TimestampTz at)
{
	static InteractPlan plan;
	Oid			argtypes[] = {INT8OID, INT8OID, TEXTOID, TIMESTAMPTZOID};
	Datum		values[] = {Int64GetDatum(user), Int64GetDatum(item), list,
	TimestampTzGetDatum(at)};

	return record_run(&plan,
					  "INSERT INTO %s.interact_favorite "
					  "(user_id, item_id, list, created_at) "
					  "VALUES ($1, $2, $3, $4) "
					  "ON CONFLICT (user_id, item_id, list) DO NOTHING",
					  SPI_OK_INSERT, lengthof(argtypes), argtypes, values, NULL) > 0;
}

/*
 * Takes the item off a list; false if it is not there.
 */
static bool
remove_favorite(int64 user, int64 item, Datum list)
{
	static InteractPlan plan;
	static InteractPlan found;
	Oid			argtypes[] = {INT8OID, INT8OID, TEXTOID};
	Datum		values[] = {Int64GetDatum(user), Int64GetDatum(item), list};

	if (IsolationIsSerializable())
	{
		ScanKeyData keys[3];

		record_pair_keys(keys, user, item);
		record_text_key(&keys[2], 3, list);
		return record_run_found(&found,
								"DELETE FROM %s.interact_favorite "
								"WHERE ctid OPERATOR(pg_catalog.=) ANY ($1)",
								SPI_OK_DELETE, REL_FAVORITE, REL_FAVORITE_PAIR,
								keys, lengthof(keys),
								1, argtypes, values, NULL) > 0;
	}

	return record_run(&plan,
					  "DELETE FROM %s.interact_favorite "
					  "WHERE user_id OPERATOR(pg_catalog.=) $1 "
					  "AND item_id OPERATOR(pg_catalog.=) $2 "
					  "AND list OPERATOR(pg_catalog.=) $3",
					  SPI_OK_DELETE, lengthof(argtypes), argtypes, values, NULL) > 0;
}

/*
 * Takes the item off all lists of the user; false if it is on none.
 */
static bool
remove_from_all_lists(int64 user, int64 item)
{
	static InteractPlan plan;
	static InteractPlan found;
	Oid			argtypes[] = {INT8OID, INT8OID};
	Datum		values[] = {Int64GetDatum(user), Int64GetDatum(item)};

	if (IsolationIsSerializable())
	{
		ScanKeyData keys[2];

		record_pair_keys(keys, user, item);
		return record_run_found(&found,
								"DELETE FROM %s.interact_favorite "
								"WHERE ctid OPERATOR(pg_catalog.=) ANY ($1)",
								SPI_OK_DELETE, REL_FAVORITE, REL_FAVORITE_PAIR,
								keys, lengthof(keys),
								1, argtypes, values, NULL) > 0;
	}

	return record_run(&plan,
					  "DELETE FROM %s.interact_favorite "
					  "WHERE user_id OPERATOR(pg_catalog.=) $1 "
					  "AND item_id OPERATOR(pg_catalog.=) $2",
					  SPI_OK_DELETE, lengthof(argtypes), argtypes, values, NULL) > 0;
}

/*
 * Is the item on the list, as a statement that starts now sees it?
 */
static bool
is_on_list(int64 user, int64 item, Datum list)
{
	static InteractPlan plan;
	static InteractPlan found;
	Oid			argtypes[] = {INT8OID, INT8OID, TEXTOID};
	Datum		values[] = {Int64GetDatum(user), Int64GetDatum(item), list};

	if (IsolationIsSerializable())
	{
		ScanKeyData keys[3];

		record_pair_keys(keys, user, item);
		record_text_key(&keys[2], 3, list);
		return record_run_found(&found,
								"SELECT FROM %s.interact_favorite "
								"WHERE ctid OPERATOR(pg_catalog.=) ANY ($1)",
								SPI_OK_SELECT, REL_FAVORITE, REL_FAVORITE_PAIR,
								keys, lengthof(keys),
								1, argtypes, values, NULL) > 0;
	}

	return record_run(&plan,
					  "SELECT FROM %s.interact_favorite "
					  "WHERE user_id OPERATOR(pg_catalog.=) $1 "
					  "AND item_id OPERATOR(pg_catalog.=) $2 "
					  "AND list OPERATOR(pg_catalog.=) $3",
					  SPI_OK_SELECT, lengthof(argtypes), argtypes, values, NULL) > 0;
}

/*
 * Changes the list that the item is on; false if it is not on the first one.
 * The other must not have it.
 */
static bool
rename_list(int64 user, int64 item, Datum from_list, Datum to_list)
{
	static InteractPlan plan;
	static InteractPlan found;
	Oid			argtypes[] = {INT8OID, INT8OID, TEXTOID, TEXTOID};
	Datum		values[] = {Int64GetDatum(user), Int64GetDatum(item),
	from_list, to_list};

	if (IsolationIsSerializable())
	{
		ScanKeyData keys[3];
		Oid			found_types[] = {TIDARRAYOID, TEXTOID};
		Datum		found_values[] = {(Datum) 0, to_list};

		record_pair_keys(keys, user, item);
		record_text_key(&keys[2], 3, from_list);
		return record_run_found(&found,
								"UPDATE %s.interact_favorite SET list = $2 "
								"WHERE ctid OPERATOR(pg_catalog.=) ANY ($1)",
								SPI_OK_UPDATE, REL_FAVORITE, REL_FAVORITE_PAIR,
								keys, lengthof(keys), lengthof(found_types),
								found_types, found_values, NULL) > 0;
	}

	return record_run(&plan,
					  "UPDATE %s.interact_favorite SET list = $4 "
					  "WHERE user_id OPERATOR(pg_catalog.=) $1 "
					  "AND item_id OPERATOR(pg_catalog.=) $2 "
					  "AND list OPERATOR(pg_catalog.=) $3",
					  SPI_OK_UPDATE, lengthof(argtypes), argtypes, values, NULL) > 0;
}

/*
 * interact_add_favorite(user_id, item_id, list, at) returns boolean
 *
 * Puts the item on the list; false if it was there.
 */
Datum
interact_add_favorite(PG_FUNCTION_ARGS)
{
	int64		user = interact_arg_user(fcinfo, 0, "user_id");
	int64		item = interact_arg_id(fcinfo, 1, "item_id");
	Datum		list = record_arg(fcinfo, 2, "list", record_check_key, NULL);
	TimestampTz at = record_arg_time(fcinfo, 3);

	PG_RETURN_BOOL(record_favorite(user, item, list, at));
}

/*
 * interact_remove_favorite(user_id, item_id, list) returns boolean
 *
 * Takes the item off the list, or off all lists of the user if list is NULL;
 * false if it was on none of them.
 */
Datum
interact_remove_favorite(PG_FUNCTION_ARGS)
{
	int64		user = interact_arg_user(fcinfo, 0, "user_id");
	int64		item = interact_arg_id(fcinfo, 1, "item_id");
	bool		all;
	Datum		list = record_arg(fcinfo, 2, "list", record_check_key, &all);

	PG_RETURN_BOOL(all ? remove_from_all_lists(user, item) :
				   remove_favorite(user, item, list));
}

/*
 * interact_toggle_favorite(user_id, item_id, list, at) returns boolean
 *
 * Takes the item off the list if it is there, else puts it there; true if it
 * is there now.
 */
Datum
interact_toggle_favorite(PG_FUNCTION_ARGS)
{
	int64		user = interact_arg_user(fcinfo, 0, "user_id");
	int64		item = interact_arg_id(fcinfo, 1, "item_id");
	Datum		list = record_arg(fcinfo, 2, "list", record_check_key, NULL);
	TimestampTz at = record_arg_time(fcinfo, 3);

	/*
	 * Neither happens when another session toggles in between: it puts the
	 * item there after the first look, or takes it off after the second.
	 * Above READ COMMITTED the addition then fails instead.
	 */
	for (int i = 0; i < TOGGLE_TRIES; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (remove_favorite(user, item, list))
			PG_RETURN_BOOL(false);
		if (record_favorite(user, item, list, at))
			PG_RETURN_BOOL(true);
	}
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not toggle the favorite"),
			 errdetail("It can be neither removed nor added: other sessions keep changing it, or a policy hides it.")));
}

/*
 * interact_move_favorite(user_id, item_id, from_list, to_list)
 * returns boolean
 *
 * Moves the item from one list to the other, where it may be already; false
 * if it was not on the first one.
 *
 * The row is updated rather than deleted and inserted: nothing happened to the
 * item that its counters should know of.
 */
Datum
interact_move_favorite(PG_FUNCTION_ARGS)
{
	int64		user = interact_arg_user(fcinfo, 0, "user_id");
	int64		item = interact_arg_id(fcinfo, 1, "item_id");
	Datum		from_list = record_arg(fcinfo, 2, "from_list", record_check_key,
									   NULL);
	Datum		to_list = record_arg(fcinfo, 3, "to_list", record_check_key,
									 NULL);

	if (DatumGetBool(DirectFunctionCall2Coll(texteq, DEFAULT_COLLATION_OID,
											 from_list, to_list)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("from_list and to_list must not be the same")));

	if (is_on_list(user, item, to_list))
		PG_RETURN_BOOL(remove_favorite(user, item, from_list));
	PG_RETURN_BOOL(rename_list(user, item, from_list, to_list));
}

/*
 * interact_clear_favorites(user_id, list) returns bigint
 *
 * Empties the list, or all lists of the user if list is NULL; returns how many
 * places were taken on them.
 */
Datum
interact_clear_favorites(PG_FUNCTION_ARGS)
{
	static InteractPlan one_list;
	static InteractPlan all_lists;
	static InteractPlan found;
	int64		user = interact_arg_user(fcinfo, 0, "user_id");
	bool		all;
	Datum		list = record_arg(fcinfo, 1, "list", record_check_key, &all);
	Oid			argtypes[] = {INT8OID, TEXTOID};
	Datum		values[] = {Int64GetDatum(user), list};
	uint64		rows;

	if (IsolationIsSerializable())
	{
		ScanKeyData keys[2];

		/* both indexes begin with user_id */
		record_pair_keys(keys, user, 0);
		if (!all)
			record_text_key(&keys[1], 2, list);
		rows = record_run_found(&found,
								"DELETE FROM %s.interact_favorite "
								"WHERE ctid OPERATOR(pg_catalog.=) ANY ($1)",
								SPI_OK_DELETE, REL_FAVORITE,
								all ? REL_FAVORITE_PAIR : REL_FAVORITE_LIST,
								keys, all ? 1 : 2,
								1, argtypes, values, NULL);
	}
	else if (all)
		rows = record_run(&all_lists,
						  "DELETE FROM %s.interact_favorite "
						  "WHERE user_id OPERATOR(pg_catalog.=) $1",
						  SPI_OK_DELETE, 1, argtypes, values, NULL);
	else
		rows = record_run(&one_list,
						  "DELETE FROM %s.interact_favorite "
						  "WHERE user_id OPERATOR(pg_catalog.=) $1 "
						  "AND list OPERATOR(pg_catalog.=) $2",
						  SPI_OK_DELETE, lengthof(argtypes), argtypes,
						  values, NULL);
	PG_RETURN_INT64((int64) rows);
}


/* ---------- cart ---------- */

/*
 * Adds quantity to the open cart row of the pair, or opens one.
 */
void
record_cart_item(int64 user, int64 item, int32 quantity, TimestampTz at)
{
	static InteractPlan plan;
	Oid			argtypes[] = {INT8OID, INT8OID, INT4OID, TIMESTAMPTZOID};
	Datum		values[] = {Int64GetDatum(user), Int64GetDatum(item),
	Int32GetDatum(quantity), TimestampTzGetDatum(at)};

	record_run(&plan,
			   "INSERT INTO %s.interact_cart_item AS c "
			   "(user_id, item_id, quantity, added_at) "
			   "VALUES ($1, $2, $3, $4) "
			   "ON CONFLICT (user_id, item_id) "
			   "WHERE removed_at IS NULL AND purchased_at IS NULL DO UPDATE "
			   "SET quantity = c.quantity OPERATOR(pg_catalog.+) excluded.quantity",
			   SPI_OK_INSERT, lengthof(argtypes), argtypes, values, NULL);
}

/*
 * Sets the quantity of the open cart row of the pair, or opens one; false if
 * it is that already.
 */
static bool
set_cart_quantity(int64 user, int64 item, int32 quantity, TimestampTz at)
{
	static InteractPlan plan;
	Oid			argtypes[] = {INT8OID, INT8OID, INT4OID, TIMESTAMPTZOID};
	Datum		values[] = {Int64GetDatum(user), Int64GetDatum(item),
	Int32GetDatum(quantity), TimestampTzGetDatum(at)};

	return record_run(&plan,
					  "INSERT INTO %s.interact_cart_item AS c "
					  "(user_id, item_id, quantity, added_at) "
					  "VALUES ($1, $2, $3, $4) "
					  "ON CONFLICT (user_id, item_id) "
					  "WHERE removed_at IS NULL AND purchased_at IS NULL DO UPDATE "
					  "SET quantity = excluded.quantity "
					  "WHERE c.quantity OPERATOR(pg_catalog.<>) excluded.quantity",
					  SPI_OK_INSERT, lengthof(argtypes), argtypes, values, NULL) > 0;
}

/*
 * Closes the open cart row of the pair as removed; false if there is none.
 */
static bool
remove_cart_item(int64 user, int64 item, TimestampTz at)
{
	static InteractPlan plan;
	static InteractPlan found;
	Oid			argtypes[] = {INT8OID, INT8OID, TIMESTAMPTZOID};
	Datum		values[] = {Int64GetDatum(user), Int64GetDatum(item),
	TimestampTzGetDatum(at)};

	if (IsolationIsSerializable())
	{
		ScanKeyData keys[2];
		Oid			found_types[] = {TIDARRAYOID, TIMESTAMPTZOID};
		Datum		found_values[] = {(Datum) 0, TimestampTzGetDatum(at)};

		record_pair_keys(keys, user, item);
		return record_run_found(&found,
								"UPDATE %s.interact_cart_item SET removed_at = $2 "
								"WHERE ctid OPERATOR(pg_catalog.=) ANY ($1)",
								SPI_OK_UPDATE, REL_CART_ITEM, REL_CART_ITEM_OPEN,
								keys, lengthof(keys), lengthof(found_types),
								found_types, found_values, NULL) > 0;
	}

	return record_run(&plan,
					  "UPDATE %s.interact_cart_item SET removed_at = $3 "
					  "WHERE user_id OPERATOR(pg_catalog.=) $1 "
					  "AND item_id OPERATOR(pg_catalog.=) $2 "
					  "AND removed_at IS NULL AND purchased_at IS NULL",
					  SPI_OK_UPDATE, lengthof(argtypes), argtypes, values, NULL) > 0;
}

/*
 * interact_add_to_cart(user_id, item_id, quantity, at) returns boolean
 *
 * Opens a cart row for the item, or adds quantity to the open one.
 */
Datum
interact_add_to_cart(PG_FUNCTION_ARGS)
{
	int64		user = interact_arg_user(fcinfo, 0, "user_id");
	int64		item = interact_arg_id(fcinfo, 1, "item_id");
	int32		quantity = record_arg_quantity(fcinfo, 2);
	TimestampTz at = record_arg_time(fcinfo, 3);

	record_cart_item(user, item, quantity, at);
	PG_RETURN_BOOL(true);
}

/*
 * interact_set_cart_quantity(user_id, item_id, quantity, at) returns boolean
 *
 * Makes the cart hold so many of the item, 0 for none; false if it does.
 */
Datum
interact_set_cart_quantity(PG_FUNCTION_ARGS)
{
	int64		user = interact_arg_user(fcinfo, 0, "user_id");
	int64		item = interact_arg_id(fcinfo, 1, "item_id");
	int32		quantity;
	TimestampTz at;

	if (PG_ARGISNULL(2))
		interact_null_error("quantity");
	quantity = PG_GETARG_INT32(2);
	if (quantity < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quantity must be at least 0, not %d", quantity),
				 errhint("A quantity of 0 takes the item out of the cart.")));
	at = record_arg_time(fcinfo, 3);

	if (quantity == 0)
		PG_RETURN_BOOL(remove_cart_item(user, item, at));
	PG_RETURN_BOOL(set_cart_quantity(user, item, quantity, at));
}

/*
 * interact_remove_from_cart(user_id, item_id, at) returns boolean
 *
 * Closes the open cart row of the item as removed; false if there is none.
 */
Datum
interact_remove_from_cart(PG_FUNCTION_ARGS)
{
	int64		user = interact_arg_user(fcinfo, 0, "user_id");
	int64		item = interact_arg_id(fcinfo, 1, "item_id");
	TimestampTz at = record_arg_time(fcinfo, 2);

	PG_RETURN_BOOL(remove_cart_item(user, item, at));
}

/*
 * interact_clear_cart(user_id, at) returns bigint
 *
 * Closes all open cart rows of the user as removed; returns how many.
 */
Datum
interact_clear_cart(PG_FUNCTION_ARGS)
{
	static InteractPlan plan;
	static InteractPlan found;
	int64		user = interact_arg_user(fcinfo, 0, "user_id");
	TimestampTz at = record_arg_time(fcinfo, 1);
	Oid			argtypes[] = {INT8OID, TIMESTAMPTZOID};
	Datum		values[] = {Int64GetDatum(user), TimestampTzGetDatum(at)};

	if (IsolationIsSerializable())
	{
		ScanKeyData keys[2];

		record_pair_keys(keys, user, 0);
		PG_RETURN_INT64((int64)
						record_run_found(&found,
										 "UPDATE %s.interact_cart_item SET removed_at = $2 "
										 "WHERE ctid OPERATOR(pg_catalog.=) ANY ($1)",
										 SPI_OK_UPDATE, REL_CART_ITEM,
										 REL_CART_ITEM_OPEN, keys, 1,
										 lengthof(argtypes), argtypes,
										 values, NULL));
	}

	PG_RETURN_INT64((int64)
					record_run(&plan,
							   "UPDATE %s.interact_cart_item SET removed_at = $2 "
							   "WHERE user_id OPERATOR(pg_catalog.=) $1 "
							   "AND removed_at IS NULL AND purchased_at IS NULL",
							   SPI_OK_UPDATE, lengthof(argtypes), argtypes,
							   values, NULL));
}
