/*-------------------------------------------------------------------------
 *
 * friend.c
 *	  Who is whose friend: rows of interact_friend.
 *
 * A row says that one user follows another; a friendship are two rows, one in
 * each direction.  What a person did is shown to those friends whom the person
 * follows as well, so nobody learns something of a person by following alone.
 *
 * The two rows of a friendship are written and removed in the order of their
 * keys, whichever side asks, so that two sessions that do it at the same time
 * meet at the first one and do not deadlock.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/timestamp.h"

/* Newest friends that functions look at, see friends_load(). */
#define MAX_FRIENDS			5000

/* Newest friends of the user, and of each of them, for new acquaintances. */
#define KNOWN_FRIENDS		200
#define KNOWN_PER_FRIEND	100

/* Does one user follow the other? */
#define FOLLOWS(one, other) \
	PAGE_PROBE("interact_friend", "user_id", "friend_id", one, other)

/* Whom $1, or one of several, follows, newest first. */
#define NEWEST_OF(user) \
	"SELECT r.friend_id, r.created_at, r.id FROM %s.interact_friend AS r " \
	"WHERE r.user_id OPERATOR(pg_catalog.>=) " user " " \
	"AND r.user_id OPERATOR(pg_catalog.<=) " user " " \
	"ORDER BY r.user_id DESC, r.created_at DESC, r.id DESC "

PG_FUNCTION_INFO_V1(interact_add_friend);
PG_FUNCTION_INFO_V1(interact_remove_friend);
PG_FUNCTION_INFO_V1(interact_friends);
PG_FUNCTION_INFO_V1(interact_followers);
PG_FUNCTION_INFO_V1(interact_people_you_may_know);


/* ---------- arguments ---------- */

/*
 * Argument n, called mutual, of a function that reads: only friends who follow
 * back?  A session of one user must not ask for others.
 */
bool
friend_arg_mutual(FunctionCallInfo fcinfo, int n)
{
	bool		mutual = interact_arg_bool(fcinfo, n, "mutual");
	int64		only;

	if (!mutual && interact_session_user(&only))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("mutual must be true in a session of one user"),
				 errhint("The setting interact.user_id restricts the session to one user, who sees what is shared by friends only.")));
	return mutual;
}

/*
 * Arguments of a function that writes: user_id, friend_id and, number n,
 * mutual.  A session of one user must not write the rows of others.
 */
static void
arg_friendship(FunctionCallInfo fcinfo, int n,
			   int64 *user, int64 *friend, bool *mutual)
{
	int64		only;

	*user = interact_arg_user(fcinfo, 0, "user_id");
	*friend = interact_arg_id(fcinfo, 1, "friend_id");
	*mutual = interact_arg_bool(fcinfo, n, "mutual");

	if (*user == *friend)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("user_id and friend_id must not be the same")));
	if (*mutual && interact_session_user(&only))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("mutual must be false in a session of one user"),
				 errhint("The setting interact.user_id restricts the session to one user. A friendship is mutual when each side has added the other.")));
}


/* ---------- writing ---------- */

/*
 * interact_add_friend(user_id, friend_id, mutual, at) returns boolean
 *
 * Adds the rows that are missing; false if none is.
 */
Datum
interact_add_friend(PG_FUNCTION_ARGS)
{
	static InteractPlan one;
	static InteractPlan both;
	Oid			argtypes[] = {INT8OID, INT8OID, TIMESTAMPTZOID};
	Datum		values[3];
	int64		user;
	int64		friend;
	bool		mutual;

	arg_friendship(fcinfo, 2, &user, &friend, &mutual);
	values[2] = TimestampTzGetDatum(record_arg_time(fcinfo, 3));

	if (!mutual)
	{
		values[0] = Int64GetDatum(user);
		values[1] = Int64GetDatum(friend);
		PG_RETURN_BOOL(record_run(&one,
								  "INSERT INTO %s.interact_friend "
								  "(user_id, friend_id, created_at) "
								  "VALUES ($1, $2, $3) "
								  "ON CONFLICT (user_id, friend_id) DO NOTHING",
								  SPI_OK_INSERT, lengthof(argtypes), argtypes,
								  values, NULL) > 0);
	}

	/* rows are inserted in the order of the VALUES */
	values[0] = Int64GetDatum(Min(user, friend));
	values[1] = Int64GetDatum(Max(user, friend));
	PG_RETURN_BOOL(record_run(&both,
							  "INSERT INTO %s.interact_friend "
							  "(user_id, friend_id, created_at) "
							  "VALUES ($1, $2, $3), ($2, $1, $3) "
							  "ON CONFLICT (user_id, friend_id) DO NOTHING",
							  SPI_OK_INSERT, lengthof(argtypes), argtypes,
							  values, NULL) > 0);
}

/*
 * Removes one row; false if there is none.
 */
static bool
remove_friend(int64 user, int64 friend)
{
	static InteractPlan plan;
	static InteractPlan found;
	Oid			argtypes[] = {INT8OID, INT8OID};
	Datum		values[] = {Int64GetDatum(user), Int64GetDatum(friend)};

	if (IsolationIsSerializable())
	{
		ScanKeyData keys[2];

		record_pair_keys(keys, user, friend);
		return record_run_found(&found,
								"DELETE FROM %s.interact_friend "
								"WHERE ctid OPERATOR(pg_catalog.=) ANY ($1)",
								SPI_OK_DELETE, REL_FRIEND, REL_FRIEND_PAIR,
								keys, lengthof(keys),
								1, argtypes, values, NULL) > 0;
	}

	return record_run(&plan,
					  "DELETE FROM %s.interact_friend "
					  "WHERE user_id OPERATOR(pg_catalog.=) $1 "
					  "AND friend_id OPERATOR(pg_catalog.=) $2",
					  SPI_OK_DELETE, lengthof(argtypes), argtypes, values, NULL) > 0;
}

/*
 * interact_remove_friend(user_id, friend_id, mutual) returns boolean
 *
 * Removes the row, and the one in the other direction if mutual; false if
 * there was none.
 */
Datum
interact_remove_friend(PG_FUNCTION_ARGS)
{
	int64		user;
	int64		friend;
	bool		mutual;
	bool		removed;

	arg_friendship(fcinfo, 2, &user, &friend, &mutual);
	if (!mutual)
		PG_RETURN_BOOL(remove_friend(user, friend));

	removed = remove_friend(Min(user, friend), Max(user, friend));
	if (remove_friend(Max(user, friend), Min(user, friend)))
		removed = true;
	PG_RETURN_BOOL(removed);
}


/* ---------- reading ---------- */

/*
 * The user's friends, newest first, at most MAX_FRIENDS rows of the table; with
 * mutual those who follow back.  The caller is connected to SPI; the result is
 * palloc'd.
 */
int64 *
friends_load(int64 user, bool mutual, int *nfriends)
{
	static InteractPlan plan;
	static const Oid types[] = {INT8OID, BOOLOID, INT8OID};
	Datum		values[] = {Int64GetDatum(user), BoolGetDatum(mutual),
	Int64GetDatum(MAX_FRIENDS)};
	SPITupleTable *rows;
	int64	   *friends;

	page_run(&plan,
			 "SELECT f.friend_id FROM (" NEWEST_OF("$1") "LIMIT $3) AS f "
			 "WHERE NOT $2 OR " FOLLOWS("f.friend_id", "$1") " "
			 "ORDER BY f.created_at DESC, f.id DESC",
			 lengthof(types), types, values);
	rows = SPI_tuptable;
	*nfriends = (int) rows->numvals;
	friends = palloc(sizeof(int64) * Max(*nfriends, 1));
	for (int i = 0; i < *nfriends; i++)
	{
		bool		isnull;

		friends[i] = DatumGetInt64(SPI_getbinval(rows->vals[i], rows->tupdesc,
												 1, &isnull));
	}
	SPI_freetuptable(rows);
	return friends;
}

/*
 * interact_friends(user_id, max_items, before, before_id)
 *
 * Whom the user follows.
 */
Datum
interact_friends(PG_FUNCTION_ARGS)
{
	static InteractPlan plan;
	ListPage	page;

	page.key = interact_arg_user(fcinfo, 0, "user_id");
	page_args(fcinfo, &page, 1, 2);
	page_return(fcinfo, &page, &plan,
				"SELECT r.id, r.friend_id, "
				FOLLOWS("r.friend_id", "$1") ", r.created_at "
				"FROM %s.interact_friend AS r"
				PAGE_BY_TIME("user_id", "created_at"));
	return (Datum) 0;
}

/*
 * interact_followers(user_id, max_items, before, before_id)
 *
 * Who follows the user.
 */
Datum
interact_followers(PG_FUNCTION_ARGS)
{
	static InteractPlan plan;
	ListPage	page;

	page.key = interact_arg_user(fcinfo, 0, "user_id");
	page_args(fcinfo, &page, 1, 2);
	page_return(fcinfo, &page, &plan,
				"SELECT r.id, r.user_id, "
				FOLLOWS("$1", "r.user_id") ", r.created_at "
				"FROM %s.interact_friend AS r"
				PAGE_BY_TIME("friend_id", "created_at"));
	return (Datum) 0;
}

/*
 * interact_people_you_may_know(user_id, max_items, mutual)
 *
 * Friends of the user's friends, by the number of common friends.
 */
Datum
interact_people_you_may_know(PG_FUNCTION_ARGS)
{
	static InteractPlan plan;
	static const Oid types[] = {INT8OID, INT8OID, BOOLOID, INT8OID, INT8OID};
	Datum		values[5];

	values[0] = Int64GetDatum(interact_arg_user(fcinfo, 0, "user_id"));
	values[1] = Int64GetDatum(interact_arg_max_items(fcinfo, 1));
	values[2] = BoolGetDatum(friend_arg_mutual(fcinfo, 2));
	values[3] = Int64GetDatum(KNOWN_FRIENDS);
	values[4] = Int64GetDatum(KNOWN_PER_FRIEND);

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();

	/*
	 * Whom the user follows already is looked up at the end, for those who
	 * would be returned: a condition with a subquery is not moved into the
	 * one it applies to.
	 */
	page_run(&plan,
			 "SELECT k.friend_id, k.common_friends FROM ("
			 "SELECT c.friend_id, pg_catalog.count(*) AS common_friends "
			 "FROM (" NEWEST_OF("$1") "LIMIT $4) AS f "
			 "CROSS JOIN LATERAL (" NEWEST_OF("f.friend_id") "LIMIT $5) AS c "
			 "WHERE (NOT $3 OR " FOLLOWS("f.friend_id", "$1") ") "
			 "AND (NOT $3 OR " FOLLOWS("c.friend_id", "f.friend_id") ") "
			 "AND c.friend_id OPERATOR(pg_catalog.<>) $1 "
			 "GROUP BY c.friend_id "
			 "ORDER BY common_friends DESC, c.friend_id) AS k "
			 "WHERE NOT (" FOLLOWS("$1", "k.friend_id") ") "
			 "ORDER BY k.common_friends DESC, k.friend_id LIMIT $2",
			 lengthof(types), types, values);
	page_put(fcinfo, SPI_tuptable);
	SPI_finish();
	return (Datum) 0;
}
