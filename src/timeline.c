/*-------------------------------------------------------------------------
 *
 * timeline.c
 *	  What happened, from all base tables in one order: interact_history() of
 *	  a user, interact_friends_feed() of a user's friends.
 *
 * The order is time, then table, then row number, so that every row has its
 * place and a page can end anywhere.  Of each table a page reads a range of an
 * index, no longer than the page; what was read is sorted and cut off.
 *
 * A feed would have to do that for every friend, of whom there may be
 * thousands.  But a friend's newest entry of interact_affinity is not before
 * anything the friend did, so friends are read in the order of these times, a
 * few at a time, until the page is full and the next friend did nothing later
 * than what is on it.  Deep in the past nearly every friend did something
 * later than the page; then all are read, but only for rows that are after the
 * last one that is on the page so far.  (interact_affinity has a review under
 * the time of its last change.  One that was dated before the review was first
 * written may be missed.)
 *
 * A feed shows only events whose type is shareable.  Types that share a table,
 * reactions and custom events, are read one by one from an index by name: any
 * number of others may lie between.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* Friends whose rows are read with one statement. */
#define FEED_BATCH			64

/* The base tables, in the order of rows of one time. */
typedef enum Source
{
	SOURCE_VIEW,
	SOURCE_FAVORITE,
	SOURCE_CART,
	SOURCE_PURCHASE,
	SOURCE_RATING,
	SOURCE_REACTION,
	SOURCE_EVENT,
	NUM_SOURCES
} Source;

/* A position in a timeline: what comes after it is on the next page. */
typedef struct Position
{
	TimestampTz at;				/* infinity before the first page */
	bool		exact;			/* a row; else all rows of the time are before */
	Source		source;			/* its table */
	int64		id;				/* its number */
} Position;

/*
 * The part of a statement that reads one table; rank is the number of the
 * source.
 */
#define PART_FROM(rank, event, table, at, value) \
	"(SELECT r.id, " event " AS event, r.item_id, r." at " AS at, " \
	value "::pg_catalog.numeric AS value, " rank " AS source " \
	"FROM %s." table " AS r WHERE "

/* Position of each source in the parameters of both statements. */
#define FIRST_SOURCE_PARAM		3

/* The user's rows that come after (t, i) by time and number. */
#define HISTORY_PART(rank, event, table, at, value, t, i) \
	PART_FROM(rank, event, table, at, value) \
	"(r.user_id, r." at ", r.id) OPERATOR(pg_catalog.<) " \
	"($1, " t ", " i ") " \
	"AND r.user_id OPERATOR(pg_catalog.>=) $1 " \
	"ORDER BY r.user_id DESC, r." at " DESC, r.id DESC LIMIT $2)"

#define HISTORY \
	"SELECT h.event, h.item_id, h.at, h.value, h.id FROM (" \
	HISTORY_PART("0", "'view'", "interact_view", "viewed_at", \
				 "NULL", "$3", "$4") \
	" UNION ALL " \
	HISTORY_PART("1", "'favorite'", "interact_favorite", "created_at", \
				 "NULL", "$5", "$6") \
	" UNION ALL " \
	HISTORY_PART("2", "'cart'", "interact_cart_item", "added_at", \
				 "r.quantity", "$7", "$8") \
	" UNION ALL " \
	HISTORY_PART("3", "'purchase'", "interact_purchase", "purchased_at", \
				 "r.quantity", "$9", "$10") \
	" UNION ALL " \
	HISTORY_PART("4", "'rating'", "interact_review", "created_at", \
				 "r.rating", "$11", "$12") \
	" UNION ALL " \
	HISTORY_PART("5", "r.reaction", "interact_reaction", "created_at", \
				 "NULL", "$13", "$14") \
	" UNION ALL " \
	HISTORY_PART("6", "r.event", "interact_event", "occurred_at", \
				 "r.value", "$15", "$16") \
	") AS h ORDER BY h.at DESC, h.source, h.id DESC LIMIT $2"

/*
 * The feed: $1 are friends, $17 is a time before which rows are too old, $18
 * says by source which of the tables with one event type to read, $19 and $20
 * are the shareable reactions and custom events.
 */
#define FEED_PART(rank, event, table, at, value, t, i, also) \
	PART_FROM(rank, event, table, at, value) also \
	"($18)[1 OPERATOR(pg_catalog.+) " rank "] " \
	"AND (r.user_id, r." at ", r.id) OPERATOR(pg_catalog.<) " \
	"(f.friend_id, " t ", " i ") " \
	"AND (r.user_id, r." at ") OPERATOR(pg_catalog.>=) (f.friend_id, $17) " \
	"ORDER BY r.user_id DESC, r." at " DESC, r.id DESC LIMIT $2)"

#define FEED_NAMED_PART(rank, name, table, at, value, t, i, names) \
	"(SELECT r.* FROM pg_catalog.unnest(" names ") AS n (name) " \
	"CROSS JOIN LATERAL " \
	PART_FROM(rank, "r." name, table, at, value) \
	"(r.user_id, r." name ", r." at ", r.id) OPERATOR(pg_catalog.<) " \
	"(f.friend_id, n.name, " t ", " i ") " \
	"AND (r.user_id, r." name ", r." at ") OPERATOR(pg_catalog.>=) " \
	"(f.friend_id, n.name, $17) " \
	"ORDER BY r.user_id DESC, r." name " DESC, r." at " DESC, r.id DESC " \
	"LIMIT $2) AS r)"

#define FEED \
	"SELECT f.friend_id, h.event, h.item_id, h.at, h.value, h.id, h.source " \
	"FROM pg_catalog.unnest($1) AS f (friend_id) CROSS JOIN LATERAL (" \
	FEED_PART("0", "'view'", "interact_view", "viewed_at", \
			  "NULL", "$3", "$4", "") \
	" UNION ALL " \
	FEED_PART("1", "'favorite'", "interact_favorite", "created_at", \
			  "NULL", "$5", "$6", "") \
	" UNION ALL " \
	FEED_PART("2", "'cart'", "interact_cart_item", "added_at", \
			  "r.quantity", "$7", "$8", "r.removed_at IS NULL AND ") \
	" UNION ALL " \
	FEED_PART("3", "'purchase'", "interact_purchase", "purchased_at", \
			  "r.quantity", "$9", "$10", "") \
	" UNION ALL " \
	FEED_PART("4", "'rating'", "interact_review", "created_at", \
			  "r.rating", "$11", "$12", "") \
	" UNION ALL " \
	FEED_NAMED_PART("5", "reaction", "interact_reaction", "created_at", \
					"NULL", "$13", "$14", "$19") \
	" UNION ALL " \
	FEED_NAMED_PART("6", "event", "interact_event", "occurred_at", \
					"r.value", "$15", "$16", "$20") \
	") AS h ORDER BY h.at DESC, h.source, h.id DESC LIMIT $2"

#define HISTORY_PARAMS			16
#define FEED_PARAMS				20

PG_FUNCTION_INFO_V1(interact_history);
PG_FUNCTION_INFO_V1(interact_friends_feed);


/* ---------- positions ---------- */

/*
 * The table that rows of an event type lie in.
 */
static Source
event_source(int id)
{
	switch (id)
	{
		case EVENT_VIEW:
			return SOURCE_VIEW;
		case EVENT_FAVORITE:
			return SOURCE_FAVORITE;
		case EVENT_CART:
			return SOURCE_CART;
		case EVENT_PURCHASE:
			return SOURCE_PURCHASE;
		case EVENT_RATING:
			return SOURCE_RATING;
	}
	return interact_event_types()[id].kind == EVENT_KIND_REACTION ?
		SOURCE_REACTION : SOURCE_EVENT;
}

/*
 * Reads the arguments before, before_event and before_id, the first of which
 * is number n.
 */
static void
arg_position(FunctionCallInfo fcinfo, int n, Position *position)
{
	text	   *event;

	position->at = PG_ARGISNULL(n) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(n);
	position->exact = !PG_ARGISNULL(n + 1) || !PG_ARGISNULL(n + 2);
	if (!position->exact)
		return;

	if (PG_ARGISNULL(n) || PG_ARGISNULL(n + 1) || PG_ARGISNULL(n + 2))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("before_event and before_id need each other and before"),
				 errhint("Pass at, event and id as they are in the last row of the page before, or none of them.")));
	event = PG_GETARG_TEXT_PP(n + 1);
	position->source = event_source(interact_event_id(VARDATA_ANY(event),
													  VARSIZE_ANY_EXHDR(event)));
	position->id = PG_GETARG_INT64(n + 2);
}

/*
 * Fills the parameters that say, for each source, which of its rows come after
 * the position: those before (time, number).  Times are whole microseconds, so
 * "not after the position's time" is "before the next microsecond".
 */
static void
source_params(const Position *position, Oid *argtypes, Datum *values)
{
	for (int source = 0; source < NUM_SOURCES; source++)
	{
		int			param = FIRST_SOURCE_PARAM - 1 + 2 * source;
		TimestampTz at = position->at;
		int64		id = PG_INT64_MIN;

		if (position->exact && (Source) source == position->source)
			id = position->id;
		else if (position->exact && (Source) source > position->source &&
				 !TIMESTAMP_NOT_FINITE(at))
			at++;

		argtypes[param] = TIMESTAMPTZOID;
		values[param] = TimestampTzGetDatum(at);
		argtypes[param + 1] = INT8OID;
		values[param + 1] = Int64GetDatum(id);
	}
}


/* ---------- history ---------- */

/*
 * interact_history(user_id, max_items, before, before_event, before_id)
 *
 * Everything the user did.
 */
Datum
interact_history(PG_FUNCTION_ARGS)
{
	static InteractPlan plan;
	Oid			argtypes[HISTORY_PARAMS];
	Datum		values[HISTORY_PARAMS];
	Position	position;

	argtypes[0] = INT8OID;
	values[0] = Int64GetDatum(interact_arg_user(fcinfo, 0, "user_id"));
	argtypes[1] = INT8OID;
	values[1] = Int64GetDatum(interact_arg_max_items(fcinfo, 1));
	arg_position(fcinfo, 2, &position);
	source_params(&position, argtypes, values);

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	page_run(&plan, HISTORY, HISTORY_PARAMS, argtypes, values);
	page_put(fcinfo, SPI_tuptable);
	SPI_finish();
	return (Datum) 0;
}


/* ---------- feed ---------- */

/* Columns of the statement FEED; all but the last are those of the function. */
enum
{
	Anum_feed_friend_id = 1,
	Anum_feed_event,
	Anum_feed_item_id,
	Anum_feed_at,
	Anum_feed_value,
	Anum_feed_id,
	Anum_feed_source,
	Natts_feed = Anum_feed_source
};

/* A friend and a time after which the friend did nothing. */
typedef struct FeedFriend
{
	int64		user;			/* the friend */
	TimestampTz last_at;		/* of the newest pair */
} FeedFriend;

/* A row that may be on the page. */
typedef struct FeedRow
{
	TimestampTz at;				/* when it happened */
	int32		source;			/* table */
	int64		id;				/* number */
	HeapTuple	tuple;			/* as FEED returned it */
} FeedRow;

/*
 * qsort comparator: who did something last comes first.
 */
static int
compare_friends(const void *a, const void *b)
{
	const FeedFriend *x = a;
	const FeedFriend *y = b;

	if (x->last_at != y->last_at)
		return x->last_at > y->last_at ? -1 : 1;
	return x->user < y->user ? -1 : x->user > y->user;
}

/*
 * qsort comparator: the order of a timeline.
 */
static int
compare_rows(const void *a, const void *b)
{
	const FeedRow *x = a;
	const FeedRow *y = b;

	if (x->at != y->at)
		return x->at > y->at ? -1 : 1;
	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	return x->id > y->id ? -1 : x->id < y->id;
}

/*
 * The friends in the order in which they did something last; those who never
 * did anything are left out.
 */
static FeedFriend *
friends_by_activity(const int64 *friends, int nfriends, int *nactive)
{
	FeedFriend *active = palloc(sizeof(FeedFriend) * Max(nfriends, 1));
	AffinityReader *reader = affinity_reader_open(REL_AFFINITY_USER);

	*nactive = 0;
	for (int i = 0; i < nfriends; i++)
	{
		FeedFriend *friend = &active[*nactive];
		AffinityEntry entry;

		friend->user = friends[i];
		friend->last_at = DT_NOBEGIN;
		affinity_reader_newest(reader, friends[i]);
		if (affinity_reader_next(reader, &entry))
			friend->last_at = entry.at;
		while (affinity_reader_settle(reader, &entry))
			friend->last_at = Max(friend->last_at, entry.at);
		if (friend->last_at != DT_NOBEGIN)
			(*nactive)++;
	}
	affinity_reader_close(reader);
	qsort(active, *nactive, sizeof(FeedFriend), compare_friends);
	return active;
}

/*
 * Fills the parameters that say which event types are shareable.
 */
static void
shareable_params(Oid *argtypes, Datum *values)
{
	const EventType *types = interact_event_types();
	Datum		sources[NUM_SOURCES];
	Datum		names[2][MAX_EVENT_TYPES];
	int			nnames[2] = {0, 0};

	for (int i = 0; i < NUM_SOURCES; i++)
		sources[i] = BoolGetDatum(false);
	for (int id = 0; id < MAX_EVENT_TYPES; id++)
	{
		if (types[id].kind == EVENT_KIND_NONE || !types[id].shareable)
			continue;
		if (types[id].kind == EVENT_KIND_BUILTIN)
			sources[event_source(id)] = BoolGetDatum(true);
		else
		{
			int			which = types[id].kind == EVENT_KIND_REACTION ? 0 : 1;

			names[which][nnames[which]++] = CStringGetTextDatum(types[id].name);
		}
	}

	argtypes[17] = BOOLARRAYOID;
	values[17] = PointerGetDatum(construct_array(sources, NUM_SOURCES, BOOLOID,
												 1, true, TYPALIGN_CHAR));
	for (int which = 0; which < 2; which++)
	{
		argtypes[18 + which] = TEXTARRAYOID;
		values[18 + which] = PointerGetDatum(construct_array(names[which],
															 nnames[which],
															 TEXTOID, -1, false,
															 TYPALIGN_INT));
	}
}

/*
 * Reads what some friends did; adds it to page[], which then holds at most
 * max_items rows, the first ones of all that were read so far.  Returns how
 * many; *desc tells the columns of their tuples.
 */
static int
read_friends(const FeedFriend *friends, int nfriends, FeedRow *page, int nrows,
			 int max_items, Oid *argtypes, Datum *values, TupleDesc *desc)
{
	static InteractPlan plan;
	Datum		users[FEED_BATCH];
	SPITupleTable *rows;

	Assert(nfriends <= FEED_BATCH);
	for (int i = 0; i < nfriends; i++)
		users[i] = Int64GetDatum(friends[i].user);
	argtypes[0] = INT8ARRAYOID;
	values[0] = PointerGetDatum(construct_array(users, nfriends, INT8OID,
												sizeof(int64), FLOAT8PASSBYVAL,
												TYPALIGN_DOUBLE));
	argtypes[16] = TIMESTAMPTZOID;
	values[16] = TimestampTzGetDatum(nrows < max_items ? DT_NOBEGIN :
									 page[nrows - 1].at);
	page_run(&plan, FEED, FEED_PARAMS, argtypes, values);

	rows = SPI_tuptable;
	*desc = rows->tupdesc;
	for (uint64 i = 0; i < rows->numvals; i++)
	{
		HeapTuple	tuple = rows->vals[i];
		FeedRow    *row = &page[nrows++];
		bool		isnull;

		row->at = DatumGetTimestampTz(SPI_getbinval(tuple, rows->tupdesc,
													Anum_feed_at, &isnull));
		row->source = DatumGetInt32(SPI_getbinval(tuple, rows->tupdesc,
												  Anum_feed_source, &isnull));
		row->id = DatumGetInt64(SPI_getbinval(tuple, rows->tupdesc,
											  Anum_feed_id, &isnull));
		row->tuple = tuple;
	}
	qsort(page, nrows, sizeof(FeedRow), compare_rows);
	return Min(nrows, max_items);
}

/*
 * interact_friends_feed(user_id, max_items, before, before_event, before_id,
 * mutual)
 *
 * What friends did, as far as they share it.
 */
Datum
interact_friends_feed(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int64		user = interact_arg_user(fcinfo, 0, "user_id");
	int			max_items = interact_arg_max_items(fcinfo, 1);
	bool		mutual = friend_arg_mutual(fcinfo, 5);
	Oid			argtypes[FEED_PARAMS];
	Datum		values[FEED_PARAMS];
	Position	position;
	int64	   *friends;
	int			nfriends;
	FeedFriend *active;
	int			nactive;
	FeedRow    *page;
	int			nrows = 0;
	TupleDesc	desc = NULL;

	arg_position(fcinfo, 2, &position);
	argtypes[1] = INT8OID;
	values[1] = Int64GetDatum(max_items);
	source_params(&position, argtypes, values);
	shareable_params(argtypes, values);

	InitMaterializedSRF(fcinfo, 0);
	if (max_items == 0)
		return (Datum) 0;

	SPI_connect();
	friends = friends_load(user, mutual, &nfriends);
	active = friends_by_activity(friends, nfriends, &nactive);

	/* room for a page and for one more that is to be merged into it */
	page = palloc(sizeof(FeedRow) * 2 * max_items);
	for (int i = 0; i < nactive; i += FEED_BATCH)
	{
		CHECK_FOR_INTERRUPTS();
		if (nrows == max_items && active[i].last_at < page[nrows - 1].at)
			break;
		nrows = read_friends(&active[i], Min(FEED_BATCH, nactive - i),
							 page, nrows, max_items, argtypes, values, &desc);
	}

	for (int i = 0; i < nrows; i++)
	{
		Datum		columns[Natts_feed];
		bool		nulls[Natts_feed];

		heap_deform_tuple(page[i].tuple, desc, columns, nulls);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, columns, nulls);
	}
	SPI_finish();
	return (Datum) 0;
}
