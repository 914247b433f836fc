/*-------------------------------------------------------------------------
 *
 * merge.c
 *	  interact_merge_users(): what a guest did becomes what a user did.
 *
 * Ordinary statements on the base tables, with the caller's privileges, so
 * that the triggers derive the rest: a pair the guest and the user share comes
 * to count one user.  Rows keep their ids where they can.
 *
 * Logs (views, purchases, events) change hands as they are.  Tables in which a
 * user has one row of a kind first let the user's row take over what is to be
 * kept of the guest's (see the README), then the guest's row goes, and what is
 * left changes hands.  If the user comes to have such a row in another session
 * meanwhile, the unique constraint says so and the table is done again, now
 * with that row.
 *
 * Two merges of one guest at the same time wait for each other at the first row
 * they both want.  Cart rows are locked before their quantities are added, so
 * that the second merge does not add them again.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"

/* Most statements one table takes. */
#define MAX_STEPS			7

/* One statement: $1 is the user, $2 the guest. */
typedef struct MergeStep
{
	const char *sql;
	int			expected;		/* result code of SPI */
	bool		counts;			/* its rows were the guest's */
} MergeStep;

/* What becomes of the guest's rows of one table. */
typedef struct MergeTable
{
	bool		unique;			/* a row of the user may be in the way */
	MergeStep	steps[MAX_STEPS];	/* in order; those left over are empty */
} MergeTable;

/* A merge of two users. */
typedef struct Merge
{
	int64		into;			/* the user */
	int64		from;			/* the guest */
	int			table;			/* index of merge_tables[] */
	uint64		rows;			/* rows of the guest in that table */
} Merge;

#define MOVE(table) \
	{"UPDATE %s." table " SET user_id = $1" \
	 " WHERE user_id OPERATOR(pg_catalog.=) $2", SPI_OK_UPDATE, true}

/* Rows u of the user and g of the guest that cannot both be the user's. */
#define BOTH(column) \
	"u.user_id OPERATOR(pg_catalog.=) $1 AND g.user_id OPERATOR(pg_catalog.=) $2" \
	" AND g." column " OPERATOR(pg_catalog.=) u." column
#define BOTH_FAVORITES	BOTH("item_id") " AND g.list OPERATOR(pg_catalog.=) u.list"
#define BOTH_OPEN		BOTH("item_id") \
	" AND u.removed_at IS NULL AND u.purchased_at IS NULL" \
	" AND g.removed_at IS NULL AND g.purchased_at IS NULL"
#define BOTH_FOLLOWED \
	"u.friend_id OPERATOR(pg_catalog.=) $1 AND g.friend_id OPERATOR(pg_catalog.=) $2" \
	" AND g.user_id OPERATOR(pg_catalog.=) u.user_id"

static const MergeTable merge_tables[] = {
	{.steps = {MOVE("interact_view")}},
	{.steps = {MOVE("interact_purchase")}},
	{.steps = {MOVE("interact_event")}},
	{.unique = true, .steps = {
		{"UPDATE %s.interact_favorite AS u SET created_at = g.created_at"
			" FROM %s.interact_favorite AS g"
			" WHERE " BOTH_FAVORITES
		" AND g.created_at OPERATOR(pg_catalog.<) u.created_at", SPI_OK_UPDATE},
		{"DELETE FROM %s.interact_favorite AS g USING %s.interact_favorite AS u"
		" WHERE " BOTH_FAVORITES, SPI_OK_DELETE, true},
		MOVE("interact_favorite"),
	}},
	{.unique = true, .steps = {
		{"UPDATE %s.interact_review AS u SET rating = g.rating, title = g.title,"
			" comment = g.comment, updated_at = g.updated_at,"
			" created_at = LEAST(g.created_at, u.created_at)"
			" FROM %s.interact_review AS g"
			" WHERE " BOTH("item_id")
		" AND g.updated_at OPERATOR(pg_catalog.>) u.updated_at", SPI_OK_UPDATE},
		{"DELETE FROM %s.interact_review AS g USING %s.interact_review AS u"
		" WHERE " BOTH("item_id"), SPI_OK_DELETE, true},
		MOVE("interact_review"),
	}},
	{.unique = true, .steps = {
		{"UPDATE %s.interact_reaction AS u SET reaction = g.reaction,"
			" created_at = g.created_at"
			" FROM %s.interact_reaction AS g"
			" WHERE " BOTH("item_id")
		" AND g.created_at OPERATOR(pg_catalog.>) u.created_at", SPI_OK_UPDATE},
		{"DELETE FROM %s.interact_reaction AS g USING %s.interact_reaction AS u"
		" WHERE " BOTH("item_id"), SPI_OK_DELETE, true},
		MOVE("interact_reaction"),
	}},
	{.unique = true, .steps = {
		{"SELECT FROM %s.interact_cart_item"
			" WHERE user_id OPERATOR(pg_catalog.=) $2"
			" AND removed_at IS NULL AND purchased_at IS NULL"
		" ORDER BY item_id FOR UPDATE", SPI_OK_SELECT},
		{"UPDATE %s.interact_cart_item AS u SET"
			" quantity = LEAST(u.quantity::pg_catalog.int8"
			"  OPERATOR(pg_catalog.+) g.quantity::pg_catalog.int8,"
			"  2147483647::pg_catalog.int8)::pg_catalog.int4,"
			" added_at = LEAST(g.added_at, u.added_at)"
			" FROM %s.interact_cart_item AS g"
		" WHERE " BOTH_OPEN, SPI_OK_UPDATE},
		{"DELETE FROM %s.interact_cart_item AS g USING %s.interact_cart_item AS u"
		" WHERE " BOTH_OPEN, SPI_OK_DELETE, true},
		MOVE("interact_cart_item"),
	}},
	{.unique = true, .steps = {
		/* nobody is a friend of himself */
		{"DELETE FROM %s.interact_friend"
			" WHERE (user_id OPERATOR(pg_catalog.=) $1 AND friend_id OPERATOR(pg_catalog.=) $2)"
		" OR (user_id OPERATOR(pg_catalog.=) $2 AND friend_id OPERATOR(pg_catalog.=) $1)",
		SPI_OK_DELETE, true},
		{"UPDATE %s.interact_friend AS u SET created_at = g.created_at"
			" FROM %s.interact_friend AS g"
			" WHERE " BOTH("friend_id")
		" AND g.created_at OPERATOR(pg_catalog.<) u.created_at", SPI_OK_UPDATE},
		{"DELETE FROM %s.interact_friend AS g USING %s.interact_friend AS u"
		" WHERE " BOTH("friend_id"), SPI_OK_DELETE, true},
		MOVE("interact_friend"),
		/* and those who follow the guest */
		{"UPDATE %s.interact_friend AS u SET created_at = g.created_at"
			" FROM %s.interact_friend AS g"
			" WHERE " BOTH_FOLLOWED
		" AND g.created_at OPERATOR(pg_catalog.<) u.created_at", SPI_OK_UPDATE},
		{"DELETE FROM %s.interact_friend AS g USING %s.interact_friend AS u"
		" WHERE " BOTH_FOLLOWED, SPI_OK_DELETE, true},
		{"UPDATE %s.interact_friend SET friend_id = $1"
		" WHERE friend_id OPERATOR(pg_catalog.=) $2", SPI_OK_UPDATE, true},
	}},
};

static InteractPlan plans[lengthof(merge_tables)][MAX_STEPS];

PG_FUNCTION_INFO_V1(interact_merge_users);


/* Do the steps of one table. */
static void
merge_table(void *arg)
{
	Merge	   *merge = arg;
	const MergeTable *table = &merge_tables[merge->table];
	Oid			argtypes[] = {INT8OID, INT8OID};
	Datum		values[] = {Int64GetDatum(merge->into), Int64GetDatum(merge->from)};

	merge->rows = 0;
	for (int i = 0; i < MAX_STEPS && table->steps[i].sql != NULL; i++)
	{
		const MergeStep *step = &table->steps[i];
		uint64		rows;

		rows = record_run(&plans[merge->table][i], step->sql, step->expected,
						  lengthof(argtypes), argtypes, values, NULL);
		if (step->counts)
			merge->rows += rows;
	}
}

/*
 * interact_merge_users(into_user_id, from_user_id) -> bigint: how many rows
 * the guest had.
 */
Datum
interact_merge_users(PG_FUNCTION_ARGS)
{
	Merge		merge = {0};
	int64		rows = 0;

	merge.into = interact_arg_user(fcinfo, 0, "into_user_id");
	if (!PG_ARGISNULL(1) && PG_GETARG_INT64(1) == merge.into)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("into_user_id and from_user_id must be different users")));
	merge.from = interact_arg_user(fcinfo, 1, "from_user_id");

	for (merge.table = 0; merge.table < (int) lengthof(merge_tables); merge.table++)
	{
		if (!merge_tables[merge.table].unique)
			merge_table(&merge);
		else
		{
			while (!record_try(merge_table, &merge))
			{
				CHECK_FOR_INTERRUPTS();
				if (IsolationUsesXactSnapshot())
					ereport(ERROR,
							(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
							 errmsg("could not serialize access due to a concurrent insert"),
							 errhint("The transaction might succeed if retried.")));
			}
		}
		rows += (int64) merge.rows;
	}
	PG_RETURN_INT64(rows);
}
