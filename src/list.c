/*-------------------------------------------------------------------------
 *
 * list.c
 *	  Lists of single base tables: favorites, cart, purchases, reviews,
 *	  reactions.
 *
 * Each is one statement, see page.c.  What ran together from several tables is
 * in timeline.c, what has to skip repetitions in recent.c.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(interact_favorites);
PG_FUNCTION_INFO_V1(interact_favorite_lists);
PG_FUNCTION_INFO_V1(interact_is_favorite);
PG_FUNCTION_INFO_V1(interact_cart);
PG_FUNCTION_INFO_V1(interact_purchases);
PG_FUNCTION_INFO_V1(interact_reviews);
PG_FUNCTION_INFO_V1(interact_user_reviews);
PG_FUNCTION_INFO_V1(interact_reactions);


/* ---------- favorites ---------- */

/*
 * interact_favorites(user_id, list, max_items, before, before_id)
 *
 * What is on a list of the user, or on all of them if list is NULL.
 */
Datum
interact_favorites(PG_FUNCTION_ARGS)
{
	static InteractPlan one_list;
	static InteractPlan all_lists;
	ListPage	page;
	Datum		list;
	bool		all;

	page.key = interact_arg_user(fcinfo, 0, "user_id");
	list = record_arg(fcinfo, 1, "list", record_check_key, &all);
	page_args(fcinfo, &page, 2, 3);

	if (all)
		page_return(fcinfo, &page, &all_lists,
					"SELECT r.id, r.item_id, r.list, r.created_at "
					"FROM %s.interact_favorite AS r"
					PAGE_BY_TIME("user_id", "created_at"));
	else
		page_return_named(fcinfo, &page, &one_list,
						  "SELECT r.id, r.item_id, r.list, r.created_at "
						  "FROM %s.interact_favorite AS r"
						  PAGE_BY_NAME("user_id", "list", "created_at"),
						  list);
	return (Datum) 0;
}

/*
 * interact_favorite_lists(user_id, max_items, after_list)
 *
 * The names of the user's lists with the number of items on each, in the order
 * of names.
 */
Datum
interact_favorite_lists(PG_FUNCTION_ARGS)
{
	static InteractPlan plan;
	static const Oid types[] = {INT8OID, INT8OID, TEXTOID};
	Datum		values[3];
	bool		first;

	values[0] = Int64GetDatum(interact_arg_user(fcinfo, 0, "user_id"));
	values[1] = Int64GetDatum(interact_arg_max_items(fcinfo, 1));
	values[2] = record_arg(fcinfo, 2, "after_list", record_check_key, &first);
	if (first)
		values[2] = CStringGetTextDatum("");

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	page_run(&plan,
			 "SELECT r.list, pg_catalog.count(*), pg_catalog.max(r.created_at) "
			 "FROM %s.interact_favorite AS r "
			 "WHERE (r.user_id, r.list) OPERATOR(pg_catalog.>) ($1, $3) "
			 "AND r.user_id OPERATOR(pg_catalog.<=) $1 "
			 "GROUP BY r.user_id, r.list ORDER BY r.user_id, r.list LIMIT $2",
			 lengthof(types), types, values);
	page_put(fcinfo, SPI_tuptable);
	SPI_finish();
	return (Datum) 0;
}

/*
 * interact_is_favorite(user_id, item_ids, list)
 *
 * Which of the items are on the list, or on any if list is NULL: a row for
 * each element of the array, in its order.
 */
Datum
interact_is_favorite(PG_FUNCTION_ARGS)
{
	static InteractPlan one_list;
	static InteractPlan any_list;
	static const Oid types[] = {INT8OID, INT8ARRAYOID, TEXTOID};
	Datum		values[3];
	bool		any;
	int			nitems;

	values[0] = Int64GetDatum(interact_arg_user(fcinfo, 0, "user_id"));
	if (PG_ARGISNULL(1))
		interact_null_error("item_ids");
	(void) interact_arg_ids(fcinfo, 1, "item_ids", &nitems);
	if (nitems > INTERACT_MAX_ITEMS)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("item_ids must have at most %d elements, not %d",
						INTERACT_MAX_ITEMS, nitems),
				 errhint("Ask for a page at a time.")));
	values[1] = PG_GETARG_DATUM(1);
	values[2] = record_arg(fcinfo, 2, "list", record_check_key, &any);

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	if (any)
		page_run(&any_list,
				 "SELECT i.item_id, "
				 PAGE_PROBE("interact_favorite", "user_id", "item_id",
							"$1", "i.item_id") " "
				 "FROM pg_catalog.unnest($2) WITH ORDINALITY AS i (item_id, n) "
				 "ORDER BY i.n",
				 2, types, values);
	else
		page_run(&one_list,
				 "SELECT i.item_id, (SELECT true FROM %s.interact_favorite AS r "
				 "WHERE (r.user_id, r.item_id, r.list) "
				 "OPERATOR(pg_catalog.>=) ($1, i.item_id, $3) "
				 "AND (r.user_id, r.item_id, r.list) "
				 "OPERATOR(pg_catalog.<=) ($1, i.item_id, $3) "
				 "ORDER BY r.user_id, r.item_id, r.list LIMIT 1) IS NOT NULL "
				 "FROM pg_catalog.unnest($2) WITH ORDINALITY AS i (item_id, n) "
				 "ORDER BY i.n",
				 3, types, values);
	page_put(fcinfo, SPI_tuptable);
	SPI_finish();
	return (Datum) 0;
}


/* ---------- cart, purchases, reactions ---------- */

/*
 * interact_cart(user_id, max_items, before, before_id)
 *
 * What is in the user's cart.  Sorting by item_id changes nothing after id, but
 * the index of all cart rows does not do it, only that of the open ones.
 */
Datum
interact_cart(PG_FUNCTION_ARGS)
{
	static InteractPlan plan;
	ListPage	page;

	page.key = interact_arg_user(fcinfo, 0, "user_id");
	page_args(fcinfo, &page, 1, 2);
	page_return(fcinfo, &page, &plan,
				"SELECT r.id, r.item_id, r.quantity, r.added_at "
				"FROM %s.interact_cart_item AS r "
				"WHERE (r.user_id, r.added_at, r.id) "
				"OPERATOR(pg_catalog.<) ($1, $2, $3) "
				"AND r.user_id OPERATOR(pg_catalog.>=) $1 "
				"AND r.removed_at IS NULL AND r.purchased_at IS NULL "
				"ORDER BY r.user_id DESC, r.added_at DESC, r.id DESC, "
				"r.item_id DESC LIMIT $4");
	return (Datum) 0;
}

/*
 * interact_purchases(user_id, max_items, before, before_id)
 *
 * What the user bought.
 */
Datum
interact_purchases(PG_FUNCTION_ARGS)
{
	static InteractPlan plan;
	ListPage	page;

	page.key = interact_arg_user(fcinfo, 0, "user_id");
	page_args(fcinfo, &page, 1, 2);
	page_return(fcinfo, &page, &plan,
				"SELECT r.id, r.item_id, r.quantity, r.unit_price, "
				"r.order_id, r.purchased_at "
				"FROM %s.interact_purchase AS r"
				PAGE_BY_TIME("user_id", "purchased_at"));
	return (Datum) 0;
}

/*
 * interact_reactions(user_id, reaction, max_items, before, before_id)
 *
 * What the user reacted to, in one way or in any if reaction is NULL.
 */
Datum
interact_reactions(PG_FUNCTION_ARGS)
{
	static InteractPlan one;
	static InteractPlan all;
	ListPage	page;
	Datum		reaction;
	bool		any;

	page.key = interact_arg_user(fcinfo, 0, "user_id");
	reaction = record_arg(fcinfo, 1, "reaction", record_check_reaction, &any);
	page_args(fcinfo, &page, 2, 3);

	if (any)
		page_return(fcinfo, &page, &all,
					"SELECT r.id, r.item_id, r.reaction, r.created_at "
					"FROM %s.interact_reaction AS r"
					PAGE_BY_TIME("user_id", "created_at"));
	else
		page_return_named(fcinfo, &page, &one,
						  "SELECT r.id, r.item_id, r.reaction, r.created_at "
						  "FROM %s.interact_reaction AS r"
						  PAGE_BY_NAME("user_id", "reaction", "created_at"),
						  reaction);
	return (Datum) 0;
}


/* ---------- reviews ---------- */

/*
 * interact_user_reviews(user_id, max_items, before, before_id)
 *
 * What the user reviewed.
 */
Datum
interact_user_reviews(PG_FUNCTION_ARGS)
{
	static InteractPlan plan;
	ListPage	page;

	page.key = interact_arg_user(fcinfo, 0, "user_id");
	page_args(fcinfo, &page, 1, 2);
	page_return(fcinfo, &page, &plan,
				"SELECT r.id, r.item_id, r.rating, r.title, r.comment, "
				"r.created_at, r.updated_at "
				"FROM %s.interact_review AS r"
				PAGE_BY_TIME("user_id", "created_at"));
	return (Datum) 0;
}

/* Columns of interact_reviews(). */
#define REVIEW_COLUMNS \
	"r.id, r.user_id, r.rating, r.title, r.comment, r.created_at, r.updated_at"

/* Orders of interact_reviews(). */
typedef enum ReviewOrder
{
	REVIEWS_NEWEST,
	REVIEWS_HIGHEST,
	REVIEWS_LOWEST,
	NUM_REVIEW_ORDERS
} ReviewOrder;

static const char *const review_orders[NUM_REVIEW_ORDERS] = {
	[REVIEWS_NEWEST] = "newest",
	[REVIEWS_HIGHEST] = "highest",
	[REVIEWS_LOWEST] = "lowest",
};

/*
 * Argument n, called sort.
 */
static ReviewOrder
arg_review_order(FunctionCallInfo fcinfo, int n)
{
	char	   *name;

	if (PG_ARGISNULL(n))
		interact_null_error("sort");
	name = text_to_cstring(PG_GETARG_TEXT_PP(n));
	for (int i = 0; i < NUM_REVIEW_ORDERS; i++)
	{
		if (strcmp(name, review_orders[i]) == 0)
			return (ReviewOrder) i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown sort \"%s\"", name),
			 errhint("Reviews are sorted newest, highest or lowest.")));
}

/*
 * Argument n, a rating or NULL, for which it returns 0.
 */
static int16
arg_rating(FunctionCallInfo fcinfo, int n, const char *name)
{
	bool		isnull;
	Datum		rating = record_arg(fcinfo, n, name, record_check_rating,
									&isnull);

	return isnull ? 0 : (int16) DatumGetInt32(rating);
}

/*
 * interact_reviews(item_id, sort, rating, max_items, before, before_id,
 * before_rating)
 *
 * The reviews of an item, those with one rating or all if it is NULL.
 */
Datum
interact_reviews(PG_FUNCTION_ARGS)
{
	static InteractPlan newest;
	static InteractPlan by_rating;
	ListPage	page;
	ReviewOrder order;
	int16		only;
	int16		before_rating;

	page.key = interact_arg_id(fcinfo, 0, "item_id");
	order = arg_review_order(fcinfo, 1);
	only = arg_rating(fcinfo, 2, "rating");
	page_args(fcinfo, &page, 3, 4);
	before_rating = arg_rating(fcinfo, 6, "before_rating");

	/* reviews with one rating come newest first, whatever the order */
	if (only != 0)
		before_rating = only;
	else if (order != REVIEWS_NEWEST &&
			 (before_rating == 0) != (bool) PG_ARGISNULL(4))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("reviews sorted by rating need both before and before_rating, or neither"),
				 errhint("Pass before, before_id and before_rating as they are in the last row of the page before.")));

	if (order == REVIEWS_NEWEST && only == 0)
	{
		page_return(fcinfo, &page, &newest,
					"SELECT " REVIEW_COLUMNS " "
					"FROM %s.interact_review AS r"
					PAGE_BY_TIME("item_id", "created_at"));
		return (Datum) 0;
	}

	/*
	 * One rating after the other, from the one at which the page before ended
	 * on; only there the position means anything.
	 */
	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i <= RATING_MAX - RATING_MIN; i++)
	{
		int16		rating = order == REVIEWS_LOWEST ? RATING_MIN + i :
			RATING_MAX - i;

		if (only != 0 && rating != only)
			continue;
		if (before_rating != 0 && rating != before_rating)
			continue;
		page.max_items -= page_append(fcinfo, &page, &by_rating,
									  "SELECT " REVIEW_COLUMNS " "
									  "FROM %s.interact_review AS r"
									  PAGE_BY_NAME("item_id", "rating", "created_at"),
									  INT2OID, Int16GetDatum(rating));
		if (page.max_items == 0)
			break;
		before_rating = 0;
		page.before = DT_NOEND;
	}
	return (Datum) 0;
}
