/*-------------------------------------------------------------------------
 *
 * interact.h
 *	  Everything the C files of interact share, grouped by file.
 *
 * The header is the table of contents of src/: each section names what one
 * file offers to the others.
 *
 *-------------------------------------------------------------------------
 */
#ifndef INTERACT_H
#define INTERACT_H

#include "postgres.h"

#include "access/genam.h"
#include "access/skey.h"
#include "access/tableam.h"
#include "datatype/timestamp.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "pgtime.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/date.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/snapshot.h"
#include "utils/tuplestore.h"

#include "compat.h"

/* Most rows any list-like function returns at once. */
#define INTERACT_MAX_ITEMS		1000

/* Longest event or setting name, bytes, without the terminating zero. */
#define INTERACT_NAME_LEN		63


/* ---------- interact.c: relations, arguments, plans ---------- */

/* The extension's relations, as indexes of the OID cache. */
typedef enum InteractRel
{
	REL_VIEW,
	REL_FAVORITE,
	REL_REVIEW,
	REL_REACTION,
	REL_CART_ITEM,
	REL_PURCHASE,
	REL_EVENT,
	REL_PRUNED,
	REL_EVENT_TYPE,
	REL_SETTING,
	REL_AFFINITY,
	REL_AFFINITY_PKEY,
	REL_AFFINITY_USER,
	REL_AFFINITY_ITEM,
	REL_COUNTER,
	REL_COUNTER_PKEY,
	REL_COUNTER_COUNT,
	REL_COUNTER_HOT,
	REL_COUNTER_RATING,
	REL_CATALOGUE,
	REL_CATALOGUE_PKEY,
	REL_VIEW_PAIR,
	REL_FAVORITE_PAIR,
	REL_REVIEW_PAIR,
	REL_REACTION_PAIR,
	REL_CART_ITEM_PAIR,
	REL_CART_ITEM_OPEN,
	REL_PURCHASE_PAIR,
	REL_EVENT_PAIR,
	REL_FAVORITE_LIST,
	REL_FRIEND,
	REL_FRIEND_PAIR,
	REL_KEY,
	REL_KEY_PKEY,
	REL_KEY_PAIR,
	REL_PRUNED_PAIR,
	NUM_INTERACT_RELS
} InteractRel;

/* Number of base tables the derivation trigger serves: REL_VIEW..REL_PRUNED */
#define NUM_BASE_TABLES			(REL_PRUNED + 1)

extern Oid	interact_relid(InteractRel rel);
extern const char *interact_schema(void);	/* quoted, for SQL text */
extern uint64 interact_generation(void);	/* changes when OIDs may have */

/*
 * A saved plan.  Callers keep it in a static variable; it is prepared again
 * when the extension was dropped and created since.
 */
typedef struct InteractPlan
{
	SPIPlanPtr	plan;			/* NULL until first use */
	uint64		generation;		/* of the relation cache it was made under */
} InteractPlan;

/* "%s" in sql is the schema, already quoted; each use of it is replaced. */
extern SPIPlanPtr interact_plan(InteractPlan *plan, const char *sql,
								int nargs, Oid *argtypes);

/* The same, but never planned for the values of its parameters. */
extern SPIPlanPtr interact_generic_plan(InteractPlan *plan, const char *sql,
										int nargs, Oid *argtypes);

/* A setting in force while a statement is planned: name and value. */
typedef struct PlanSetting
{
	const char *name;
	const char *value;
} PlanSetting;

/* Plans it under these settings, unless there is a valid plan already. */
extern void interact_plan_under(SPIPlanPtr plan, const PlanSetting *settings,
								int nsettings);
/* Runs one utility command; the caller is connected to SPI. */
extern void interact_execute(const char *command);

/*
 * The same, but planned each time for the values of its parameters, for
 * parallel workers if that pays.
 */
extern SPIPlanPtr interact_custom_plan(InteractPlan *plan, const char *sql,
									   int nargs, Oid *argtypes);

/*
 * Arguments of SQL functions.  Each reads argument n of fcinfo, or raises an
 * error that names it.
 */
extern int64 interact_arg_id(FunctionCallInfo fcinfo, int n, const char *name);
extern int64 interact_arg_user(FunctionCallInfo fcinfo, int n,
							   const char *name);
extern void interact_check_user(int64 user, const char *name);
extern bool interact_session_user(int64 *user);
extern void interact_check_found_user(bool found, int64 user,
									  const char *name);
extern int	interact_arg_max_items(FunctionCallInfo fcinfo, int n);
extern bool interact_arg_bool(FunctionCallInfo fcinfo, int n, const char *name);

/* NULL argument and an array of zero elements both give *nids = 0. */
extern int64 *interact_arg_ids(FunctionCallInfo fcinfo, int n,
							   const char *name, int *nids);
pg_noreturn extern void interact_null_error(const char *name);


/* ---------- setting.c: tuned parameters ---------- */

/* Most that a friend may weigh, in mean strengths of a neighbour. */
#define MAX_FRIENDS_WEIGHT		1000

typedef struct InteractSettings
{
	/* walk.c; letters are those of the formula in its banner */
	int			profile_scan;	/* newest pairs read for "already has" */
	int			profile_items;	/* H, of those, walked */
	int			hop1_budget;	/* B1, entries */
	int			neighbours;		/* k */
	int			hop2_budget;	/* B2, entries */
	int			window_rows;	/* rows on each side of the anchor */
	int			latest_rows;	/* latest rows instead of a window, 0 = window */
	double		position_exponent;	/* of 1 + x */
	double		item_exponent;	/* a, of d_i */
	double		user_exponent;	/* b, of d_v */
	double		strength_exponent;	/* of S(v) */
	double		popularity_exponent;	/* of pop_j */
	double		gap_exponent;	/* of r in g(r) */
	double		before_factor;	/* of g(r) for rows before the anchor */
	double		recency_floor;	/* share that does not age */
	double		recency_half_life;	/* microseconds */
	double		friends_weight; /* of a friend, in mean strengths */

	/* rank.c, rerank.c */
	double		diversity;		/* factor for each with the same reason, 1 = off */
	double		rerank_weight;	/* mu, share of the local regression, 0 = off */

	/* filter.c */
	int			filter_calls;	/* most calls of a filter per answer */

	/* popular.c */
	double		trending_half_life; /* microseconds */
} InteractSettings;

extern const InteractSettings *interact_settings(void);
extern void interact_settings_reset(void);
extern void interact_settings_default(InteractSettings *to);
extern bool interact_settings_equal(const InteractSettings *a,
									const InteractSettings *b);

/* Single settings by name; intervals in microseconds. */
extern double interact_setting_get(const InteractSettings *from,
								   const char *name);
extern void interact_setting_put(InteractSettings *to, const char *name,
								 double value);

/* Many at once; as text they are what interact_set() takes. */
extern void interact_settings_from_json(InteractSettings *to, Jsonb *json);
extern Jsonb *interact_settings_to_json(const InteractSettings *base,
										const InteractSettings *changed);
extern void interact_settings_store(const InteractSettings *changed);


/* ---------- eventtype.c: names of events ---------- */

#define EVENT_VIEW			0
#define EVENT_FAVORITE		1
#define EVENT_CART			2
#define EVENT_PURCHASE		3
#define EVENT_RATING		4
#define EVENT_LIKE			5
#define EVENT_DISLIKE		6
#define NUM_BUILTIN_EVENTS	7
#define MAX_EVENT_TYPES		31	/* bits of interact_affinity.signals */

#define EVENT_BIT(id)		(1 << (id))
#define ALL_EVENTS			PG_INT32_MAX	/* bits of all event types */

/*
 * In interact_affinity.signals: what holds for the pair has to be looked up in
 * the base tables, see pair.c.
 */
#define SIGNAL_UNSETTLED	PG_INT32_MIN

#define RATING_MIN			1
#define RATING_MAX			5
#define RATING_MIDDLE		((RATING_MIN + RATING_MAX) / 2.0)	/* below: dislike */

typedef enum EventKind
{
	EVENT_KIND_NONE,			/* no such event type */
	EVENT_KIND_BUILTIN,			/* has a table of its own */
	EVENT_KIND_EVENT,			/* a value of interact_event.event */
	EVENT_KIND_REACTION			/* a value of interact_reaction.reaction */
} EventKind;

typedef struct EventType
{
	EventKind	kind;
	float4		weight;			/* 1 = a view */
	bool		shareable;		/* friends may see events of this type */
	char		name[INTERACT_NAME_LEN + 1];
} EventType;

/* All event types, indexed by id; those not defined are EVENT_KIND_NONE. */
extern const EventType *interact_event_types(void);
extern void interact_event_types_reset(void);

/* Id of the named event type, -1 if unknown. */
extern int	interact_event_find(const char *name, int len);

/* Id of the named event type; unknown names raise an error listing all. */
extern int	interact_event_id(const char *name, int len);

/*
 * Weight of a pair with these signals and rating (0 = none): positive, or
 * negative when the user dislikes the item; 0 says nothing.
 */
extern float4 interact_pair_weight(const EventType *types, int32 signals,
								   int16 rating);


/* ---------- accumulate.c: rows that are written without waiting ---------- */

/* Columns of the derived tables, in table order. */
enum
{
	Anum_affinity_user_id = 1,
	Anum_affinity_item_id,
	Anum_affinity_id,
	Anum_affinity_last_at,
	Anum_affinity_signals,
	Anum_affinity_rating,
	Anum_affinity_user_items,
	Natts_affinity = Anum_affinity_user_items
};

enum
{
	Anum_counter_item_id = 1,
	Anum_counter_id,
	Anum_counter_count,
	Anum_counter_users,
	Anum_counter_units,
	Anum_counter_hot,
	Anum_counter_hot_level,
	Anum_counter_count_level,
	Anum_counter_event,
	Anum_counter_total,
	Anum_counter_rating_level,
	Natts_counter = Anum_counter_rating_level
};

/* The derived tables; interact_catalogue has the columns of interact_counter. */
typedef enum DerivedTable
{
	DERIVED_AFFINITY,
	DERIVED_COUNTER,
	DERIVED_CATALOGUE,
	NUM_DERIVED_TABLES
} DerivedTable;

/* A key, in the order of the primary key. */
typedef struct AccKey
{
	int64		first;			/* item of a counter, user of an affinity */
	int64		second;			/* event of a counter, item of an affinity */
} AccKey;

/* A row of the key, as the look-up found it. */
typedef struct FoundRow
{
	ItemPointerData tid;
	int64		id;
	int64		count;			/* counter only */
	double		hot;			/* counter only */
	bool		busy;			/* another transaction is at work on it, or was
								 * since this one's snapshot */
	bool		foreign;		/* another transaction inserted it */
	bool		locked;			/* this transaction is going to write it */
} FoundRow;

/* Rows noted per look-up when adding. */
#define LOOK_ROWS			64

/* How far a counter row may grow before its level has to be looked at. */
typedef struct AccLimits
{
	int64		count;
	double		hot;
} AccLimits;

/* What acc->row holds when a version is written. */
typedef enum RowState
{
	ROW_NEW,					/* nothing: a row is inserted */
	ROW_SEEN,					/* a row that somebody else may have by now */
	ROW_LOCKED					/* a row of ours */
} RowState;

/* A pass over one derived table; open for the length of a batch. */
typedef struct Accumulator
{
	Relation	rel;			/* the derived table, RowExclusiveLock */
	Relation	pkey;			/* its primary key index */
	Relation	useridx;		/* interact_affinity_user, NULL until needed */
	IndexScanDesc scan;			/* on pkey, dirty snapshot */
	struct LeafScan *users;		/* on useridx, SnapshotSelf */
	IndexFetchTableData *usersfetch;	/* heap fetches of users */
	SnapshotData dirty;
	TupleTableSlot *look;		/* row met by a scan */
	TupleTableSlot *row;		/* row locked, or seen, to be replaced */
	TupleTableSlot *single;		/* see acc_take_single() */
	TupleTableSlot *newest;		/* newest row of the user last asked for */
	TupleTableSlot *write;		/* version to be written */
	int			nindexes;		/* 0 until the first index insertion */
	Relation   *indexes;
	struct IndexInfo **infos;
	struct EState *estate;		/* for expressions of indexes; NULL until needed */
	FoundRow   *found;			/* rows of the key */
	int			nfound;
	int			maxfound;
	int			nbusy;			/* how many of them are busy */
	bool		unsettled;		/* one has SIGNAL_UNSETTLED; affinity only */
	int			nothers;		/* found but not ours, see sum_others(); counter only */
	int			count_level;	/* largest among them, counter only */
	int			hot_level;		/* largest among them, counter only */
	bool		cut_off;		/* there may be rows not found */
	bool		looked_up;		/* the key was, for what is being added */
	bool		bulk;			/* rows written are not remembered */
	DerivedTable table;
	bool		counter;		/* has the columns of interact_counter */
	int64		ratings;		/* added to event rating in this pass */
	int64		rating_rows;	/* rows of event rating inserted, less deleted */
	Numeric		rating_total;	/* added to event rating, NULL for zero */
} Accumulator;

/* Column of the row in slot; all columns of derived tables are NOT NULL. */
static inline Datum
acc_column(TupleTableSlot *slot, int attnum)
{
	bool		isnull;

	return slot_getattr(slot, attnum, &isnull);
}

/* Column of the version to be written. */
#define ACC_WRITE(acc, attnum)	((acc)->write->tts_values[(attnum) - 1])

extern Accumulator *accumulator_open(DerivedTable table);
extern void accumulator_close(Accumulator *acc);
extern int64 acc_fresh_id(void);
extern void acc_look_up(Accumulator *acc, const AccKey *key, bool all);
extern bool acc_is_newer(Accumulator *acc, TupleTableSlot *slot);
extern bool acc_take_single(Accumulator *acc);
extern void acc_pin_page(Accumulator *acc, IndexFetchTableData *fetch,
						 ItemPointer tid);
extern TM_Result acc_lock_row(Accumulator *acc, const AccKey *key,
							  ItemPointer tid, TupleTableSlot *slot);
extern void acc_start_version(Accumulator *acc, bool from_row);
extern void acc_insert_version(Accumulator *acc);
extern bool acc_update_version(Accumulator *acc, bool locked);
extern void acc_delete_row(Accumulator *acc, TupleTableSlot *slot);
extern void acc_remember(Accumulator *acc, const AccKey *key, bool looked,
						 bool contended, const AccLimits *limits);
extern bool acc_fetch_remembered(Accumulator *acc, const AccKey *key, bool any,
								 AccLimits *limits);


/* ---------- accindex.c: index entries of these rows ---------- */

extern void acc_insert_index_entries(Accumulator *acc, bool update);
extern void acc_close_indexes(Accumulator *acc);


/* ---------- counter.c: rows of interact_counter ---------- */

/* What one transaction adds to the counter of (item, event). */
typedef struct CounterDelta
{
	int64		item;
	int64		count;			/* rows */
	int64		users;			/* distinct users */
	int64		units;			/* quantity */
	double		hot;			/* log2 of the decayed sum, -infinity if none */
	Numeric		total;			/* NULL for zero */
	int			event;
} CounterDelta;

extern Accumulator *counter_open(void);
extern void counter_close(Accumulator *acc);
extern void catalogue_add(int64 ratings, int64 rows, Numeric total);
extern int	catalogue_fold(void);
extern void counter_add(Accumulator *acc, const CounterDelta *delta);
extern void counter_set_hot(Accumulator *acc, int64 item, int event,
							int64 last_id, double from, double to);
extern int	counter_fold(Accumulator *acc, int64 item, int event);

/* Levels: quantised logarithms that order the popularity indexes. */
#define LEVELS_PER_OCTAVE	4
extern int	interact_count_level(int64 count);
extern int	interact_hot_level(double hot);

/* Quantised means of ratings: mean <= level / RATING_LEVELS_PER_STAR. */
#define RATING_LEVELS_PER_STAR	10
#define RATING_LEVEL_MAX	(RATING_MAX * RATING_LEVELS_PER_STAR)
#define RATING_LEVEL_ANY	(RATING_LEVEL_MAX + 1)	/* says nothing */
extern int	interact_rating_level(int64 count, double total);
extern double interact_log2_add(double a, double b);
extern double interact_hot_of(TimestampTz at);
extern Numeric interact_numeric_add(Numeric a, Numeric b);


/* ---------- pair.c: rows of interact_affinity ---------- */

/* What becomes known of a (user, item) pair. */
typedef struct AffinityDelta
{
	int64		user;
	int64		item;
	TimestampTz at;				/* latest base row */
	int32		signals;		/* bits to set */
	int16		rating;			/* 0 = unchanged */
} AffinityDelta;

/* What a change of a pair's rows means for the counters of its item. */
typedef struct AffinityChange
{
	int32		signals;		/* events whose users may have changed */
	int			users[MAX_EVENT_TYPES]; /* added to the users of each event */
	int			items;			/* added to the items of the user */
} AffinityChange;

/* Reads what the base tables say of pairs; see basetable.c. */
typedef struct PairReader PairReader;

extern Accumulator *affinity_open(bool bulk);
extern void affinity_add(Accumulator *acc, PairReader *reader,
						 const AffinityDelta *delta, int user_items,
						 AffinityChange *change);
extern void affinity_rederive(Accumulator *acc, PairReader *reader, int64 user,
							  int64 item, int32 maybe, int user_items,
							  AffinityChange *change);
extern int	affinity_fold(Accumulator *acc, PairReader *reader, int64 user,
						  int64 item, AffinityChange *change);
extern int	affinity_user_items(Accumulator *acc, int64 user,
								TimestampTz *newest);
extern void affinity_set_user_items(Accumulator *acc, int user_items);


/* ---------- basetable.c: what base rows say ---------- */

/* What one base row says. */
typedef struct Fact
{
	int64		user;			/* meaningless if !has_user */
	int64		item;
	TimestampTz at;
	int64		count;			/* rows it stands for: 1, or a carry-over */
	int64		units;			/* quantity, 0 if the table has none */
	Numeric		total;			/* NULL for zero */
	int			event;
	int16		rating;			/* 0 if none */
	bool		has_user;		/* false for the carry-over of pruned rows */
} Fact;

/* Raises an error unless at is finite and at most a day ahead of the clock. */
extern void interact_check_time(TimestampTz at, const char *column);

extern bool interact_restoring(void);
extern void basetable_restored(void);

/* Reads one transition table through a read pointer of its own. */
typedef struct TransitionReader
{
	Tuplestorestate *store;		/* of the statement, shared */
	int			pointer;		/* ours */
	TupleTableSlot *slot;		/* row last read */
} TransitionReader;

extern void transition_begin(TransitionReader *reader, Tuplestorestate *store,
							 TupleDesc desc);
extern bool transition_next(TransitionReader *reader);

/* What the rows of one event type say of a pair. */
typedef struct PairPart
{
	int64		count;			/* rows */
	double		hot;			/* log2 of their decayed number */
	double		points;			/* sum of ratings; event rating only, else 0 */
} PairPart;

/* Reads base rows as snapshot sees them, which has to live until close. */
extern PairReader *pair_reader_open(Snapshot snapshot);
extern bool pair_reader_get(PairReader *reader, int64 user, int64 item,
							int32 maybe, AffinityDelta *state);
extern void pair_reader_parts(PairReader *reader, int64 user, int64 item,
							  int32 maybe, PairPart *parts);
extern void pair_reader_close(PairReader *reader);


/* ---------- derive.c: batches of facts to derived rows ---------- */

typedef struct Batch Batch;

extern Batch *batch_begin(void);
extern void batch_add(Batch *batch, const Fact *fact);
extern void batch_remove(Batch *batch, const Fact *fact);
extern void batch_move(Batch *batch, const Fact *from, const Fact *to);
extern void batch_recount(Batch *batch, const Fact *from, const Fact *to);
extern void batch_rederive(Batch *batch, int64 user, int64 item, int32 maybe);
extern void batch_counter(Batch *batch, const CounterDelta *delta);
extern int	batch_fold(Batch *batch, int64 user, int64 item);
extern void batch_end(Batch *batch);


/* ---------- maintain.c: check, rebuild, compact ---------- */

extern int64 interact_repair(bool affinity, bool counter, bool progress);


/* ---------- itemsum.c: counters of single items ---------- */

/* The sum over the rows of one (item, event). */
typedef struct KeySum
{
	int64		count;			/* rows of the base tables */
	int64		users;			/* distinct users */
	double		hot;			/* log2 of the decayed number */
	double		points;			/* sum of ratings; event rating only, else 0 */
	int			event;			/* id of the event type */
} KeySum;

typedef struct ItemReader ItemReader;

/* event = -1 reads all event types. */
extern ItemReader *item_reader_open(int event);
extern void item_reader_ahead(ItemReader *reader, int64 item);
extern int	item_reader_sums(ItemReader *reader, int64 item, KeySum *sums);
extern void item_reader_close(ItemReader *reader);

/* The same for those who want the number of distinct users only. */
typedef ItemReader UsersReader;
extern UsersReader *users_reader_open(void);
extern void users_reader_ahead(UsersReader *reader, int64 item);
extern double users_reader_get(UsersReader *reader, int64 item, int32 without);
extern void users_reader_close(UsersReader *reader);


/* ---------- toplist.c: top N without scanning ---------- */

typedef enum TopOrder
{
	TOP_BY_COUNT,				/* number of events */
	TOP_BY_HOT					/* trending: exponentially decayed number */
} TopOrder;

typedef struct TopItem
{
	int64		item;
	double		score;			/* count, or log2 of the decayed number */
	int64		count;
	int64		users;
} TopItem;

/*
 * The n first items under the active snapshot, best first, ties by item_id.
 * event = -1 combines all event types by their weights.  Fills top[] and
 * returns how many there are.
 */
extern int	interact_top(TopOrder order, int event, int n, TopItem *top);
extern double interact_level_max_count(int level);

/* What interact_top() would say of an item without some rows of one user. */
extern bool interact_top_without(UsersReader *reader, TopOrder order,
								 int64 item, const PairPart *parts,
								 TopItem *result);


/* ---------- toprated.c: top rated without scanning ---------- */

typedef struct RatedItem
{
	int64		item;
	double		score;			/* Bayesian average */
	double		points;			/* sum of the ratings */
	int64		ratings;		/* number of them */
} RatedItem;

/* The same by rating, of items that have at least min_ratings. */
extern int	interact_top_by_rating(int64 min_ratings, int n, RatedItem *top);


/* ---------- popular.c: SQL functions of popularity ---------- */

/* Start of a window that ends at now; checks its length. */
extern TimestampTz interact_window_start(TimestampTz now, Interval *since);
/* ---------- pagehint.c: where pages were found ---------- */

/* The relations whose pages a backend remembers the buffers of. */
typedef enum PageHints
{
	HINTS_AFFINITY_USER,		/* index */
	HINTS_AFFINITY_ITEM,		/* index */
	HINTS_COUNTER_PKEY,
	HINTS_COUNTER,
	NUM_PAGE_HINTS
} PageHints;

extern Buffer hinted_buffer(PageHints which, BlockNumber block);
extern Buffer hinted_read(PageHints which, Relation rel, BlockNumber block);
extern void hinted_pin_row(PageHints which, Relation rel,
						   IndexFetchTableData *fetch, ItemPointer tid);


/* ---------- leaf.c: short ranges of indexes ---------- */

/* The columns of an entry of either index, as they lie on the page. */
typedef struct LeafRow
{
	int64		key;			/* user, or item */
	TimestampTz at;				/* microseconds since 2000-01-01 UTC */
	int64		other;			/* item, or user */
	int32		signals;		/* event bits */
	int16		rating;			/* 0 = none */
	int16		user_items;		/* items */
} LeafRow;

/* An entry that was read. */
typedef struct LeafEntry
{
	LeafRow		row;
	ItemPointerData tid;		/* of the heap row */
	OffsetNumber offset;		/* on its page */
} LeafEntry;

/* Entries that fit on a page */
#define LEAF_ROWS \
	(BLCKSZ / (sizeof(ItemIdData) + MAXALIGN(sizeof(IndexTupleData)) + sizeof(LeafRow)))

/* Entries of a page that can be marked as dead. */
#define LEAF_DEAD			32

/* Keys told of ahead of time that are remembered. */
#define LEAF_AHEAD			16

/* What is looked for. */
typedef struct LeafTarget
{
	int64		key;
	TimestampTz at;				/* looked at if by_time */
	bool		by_time;		/* the first entry before "at", else of key */
} LeafTarget;

/* The leaf page where a target is, or one to the left of it. */
typedef struct LeafAhead
{
	LeafTarget	target;
	BlockNumber block;			/* InvalidBlockNumber = not known */
} LeafAhead;

/* A position in one of the indexes, and the page it is on. */
typedef struct LeafScan
{
	Relation	heap;			/* interact_affinity or interact_counter */
	Relation	index;
	Snapshot	snapshot;
	bool		counters;		/* the latter */
	bool		use_dead;		/* whether marks of dead entries are believed */

	BlockNumber root;			/* met last, InvalidBlockNumber before */
	uint32		rootlevel;		/* its level */
	PageHints	hints;			/* where pages of the index were found */
	LeafAhead	ahead[LEAF_AHEAD];	/* by key */

	int64		key;			/* whose entries are read */
	Buffer		buffer;			/* the page, pinned; or InvalidBuffer */
	BlockNumber block;			/* its number */
	BlockNumber left;			/* its neighbours when it was read */
	BlockNumber right;
	XLogRecPtr	lsn;			/* when it was read */
	bool		any_left;		/* whether the left one may have the key */
	bool		any_right;
	int			nrows;			/* entries of the key on the page */
	int			next;			/* the first of rows[] in forward direction */
	int			ndead;
	int16		dead[LEAF_DEAD];	/* indexes of rows[] */
	int			maxrows;		/* room in rows[] */
	LeafEntry	rows[FLEXIBLE_ARRAY_MEMBER];	/* in index order, newest first */
} LeafScan;

extern LeafScan *leaf_open(PageHints which, Relation heap, Relation index,
						   Snapshot snapshot);
extern LeafScan *leaf_open_counters(Relation heap, Relation pkey,
									Snapshot snapshot);
extern void leaf_ahead(LeafScan *scan, int64 key);
extern void leaf_ahead_time(LeafScan *scan, int64 key, TimestampTz at);
extern void leaf_seek(LeafScan *scan, int64 key);
extern void leaf_seek_time(LeafScan *scan, int64 key, TimestampTz at);
extern const LeafEntry *leaf_next(LeafScan *scan, ScanDirection direction);
extern void leaf_dead(LeafScan *scan, const LeafEntry *entry);
extern void leaf_leave(LeafScan *scan);
extern void leaf_close(LeafScan *scan);


/* ---------- affinity.c: index-only reads of interact_affinity ---------- */

/* One entry of an affinity index. */
typedef struct AffinityEntry
{
	int64		other;			/* item of a user's entry, user of an item's */
	TimestampTz at;
	int32		signals;
	int16		rating;
	int16		user_items;
} AffinityEntry;

typedef struct AffinityReader AffinityReader;

/* rel is REL_AFFINITY_USER or REL_AFFINITY_ITEM; reads the active snapshot. */
extern AffinityReader *affinity_reader_open(InteractRel rel);

/* Tells that the entries of key will be read before long, but not next. */
extern void affinity_reader_ahead(AffinityReader *reader, int64 key);
extern void affinity_reader_ahead_before(AffinityReader *reader, int64 key,
										 TimestampTz at);

/* All entries of key, newest first. */
extern void affinity_reader_newest(AffinityReader *reader, int64 key);

/* Entries of key with last_at >= at, oldest first. */
extern void affinity_reader_from(AffinityReader *reader, int64 key,
								 TimestampTz at);

/* Entries of key with last_at < at, newest first. */
extern void affinity_reader_before(AffinityReader *reader, int64 key,
								   TimestampTz at);
extern bool affinity_reader_next(AffinityReader *reader, AffinityEntry *entry);
extern bool affinity_reader_settle(AffinityReader *reader, AffinityEntry *entry);

/* The least key >= from, or the greatest key; false if there is none. */
extern bool affinity_reader_key(AffinityReader *reader, int64 from,
								bool greatest, int64 *key, TimestampTz *at);
extern int64 affinity_reader_entries(const AffinityReader *reader);
extern void affinity_reader_close(AffinityReader *reader);


/* Looks single pairs up. */
typedef struct AffinityProbe AffinityProbe;
extern AffinityProbe *affinity_probe_open(void);
extern void affinity_probe_get(AffinityProbe *probe, int64 user, int64 item,
							   AffinityEntry *pair);
extern void affinity_probe_close(AffinityProbe *probe);


/* ---------- candidate.c: what a walk starts from, meets and returns ---------- */

/* What a walk starts from and what it may return. */
typedef struct WalkRequest
{
	const InteractSettings *settings;	/* exponents, budgets */
	bool		has_user;		/* profile is that of user, else of items[] */
	int64		user;			/* who asks */
	bool		skip_user;		/* user is no neighbour; always so if has_user */
	TimestampTz before;			/* the asking user's pairs of this time or
								 * later are unknown to the walk; DT_NOEND =
								 * none */
	const int64 *items;			/* profile without a user, most recent last */
	int			nitems;			/* length of items[] */
	const int64 *exclude;		/* items that are not returned */
	int			nexclude;		/* length of exclude[] */
	const AffinityEntry *hidden;	/* pairs of user that are hidden: pop_j
									 * does not count them */
	int			nhidden;		/* length of hidden[] */
	bool		exclude_seen;	/* items the user has are not returned */
	bool		need_friends;	/* not to be allowed to read them is an error */
	int			max_items;		/* most items to return */
	TimestampTz now;			/* age 0 */
} WalkRequest;

/* One answer, best first in arrays of it. */
typedef struct WalkItem
{
	int64		item;
	double		score;			/* above 0; comparable within one answer */
	int64		because;		/* item of the profile that led here most */
	bool		has_because;	/* there is such an item */
	bool		by_friends;		/* friends contributed more than half */
	bool		excluded;		/* the request excludes it */
	int32		support;		/* neighbours that contributed */
} WalkItem;

/* From an id to its index in an array. */
typedef struct IdEntry
{
	int64		id;				/* user or item */
	int32		index;			/* of the array */
	char		status;			/* of simplehash.h */
} IdEntry;

#define SH_PREFIX				idmap
#define SH_ELEMENT_TYPE			IdEntry
#define SH_KEY_TYPE				int64
#define SH_SCOPE				extern
#define SH_DECLARE
#include "lib/simplehash.h"

/* An item that was met: of the profile, excluded, or a candidate. */
typedef struct WalkedItem
{
	int64		item;
	double		score;			/* sum of contributions */
	double		best;			/* largest contribution of a neighbour */
	double		friends;		/* the part of score that friends contributed */
	int32		because;		/* profile[] of the largest, -1 = none */
	int32		support;		/* neighbours that contributed */
	int32		signals;		/* event bits of what they did */
	int32		window;			/* number of the window it was last met in */
	int32		row;			/* its row there */
	int32		profile;		/* its position in profile[], -1 = none */
	int32		hidden;			/* event bits of the user's hidden pair */
	bool		barred;			/* the user's own pair forbids to return it */
	bool		excluded;		/* the request does; it keeps its place */
	bool		taken;			/* was ranked already */
} WalkedItem;

/* A profile item that is walked. */
typedef struct ProfileItem
{
	int64		item;
	double		weight;			/* w_i; without the part of d_i in hop 1 */
	TimestampTz last_at;		/* of the last entry read */
	int32		ties;			/* entries of that time read */
	int32		users;			/* d_i, users read so far */
	bool		read;			/* at least once */
	bool		done;			/* no more entries */
} ProfileItem;

/* A pair of the user whose rows are being read. */
typedef struct WindowRow
{
	TimestampTz at;				/* latest */
	double		gap;			/* g(r), if of a neighbour */
	int32		item;			/* index of items[] */
	int32		signals;		/* event bits */
	int16		rating;			/* 0 = none */
} WindowRow;

/* An entry of a heap, best on top. */
typedef struct Ranked
{
	double		score;
	int64		id;				/* breaks ties: the smaller one first */
	int32		index;			/* of what is ranked */
	bool		corrected;		/* neighbours: score has the present d_v */
	bool		told;			/* neighbours: reader knows it may be next */
} Ranked;

/* Remembers the weight of recently met combinations. */
typedef struct WalkWeight
{
	int32		signals;		/* event bits */
	int16		rating;			/* 0 = none */
	bool		valid;
	float4		weight;			/* interact_pair_weight() of the two */
} WalkWeight;

#define WALK_WEIGHTS			64

/* A neighbour whose rows were read, noted for rerank.c. */
typedef struct KeptUser
{
	double		strength;		/* S(v)^strength_exponent */
	int32		start;			/* its items are kept_items[] from here */
	int32		nitems;			/* number of them */
} KeptUser;

/* A walk under way. */
typedef struct Walk
{
	MemoryContext context;		/* holds everything, this struct as well */
	WalkRequest request;		/* as given; arrays are the caller's */
	InteractSettings settings;	/* request.settings points here */
	EventType	types[MAX_EVENT_TYPES]; /* as of walk_begin() */
	AffinityReader *users;		/* see walk_users() */
	AffinityProbe *probe;		/* NULL until first used */

	ProfileItem *profile;		/* the walked part, newest first */
	int32		nprofile;
	bool		profile_cut;	/* user has more rows than were read */

	idmap_hash *itemmap;		/* item -> items[] */
	WalkedItem *items;
	int32		nitems;
	int32		maxitems;

	WindowRow  *rows;			/* of the current window */
	int32		nrows;
	int32		maxrows;
	int32		window;			/* number of the current window */
	int32		countings;		/* of one user in the support of an item, most */

	KeptUser   *kept;			/* NULL unless rerank_weight asks for it */
	int32		nkept;
	int32		maxkept;
	int32	   *kept_items;		/* indexes of items[] */
	int32		nkept_items;
	int32		maxkept_items;

	WalkWeight	weights[WALK_WEIGHTS];
} Walk;

/*
 * Makes room for one more element in an array that starts with *max
 * elements and grows by doubling.
 */
#define ENSURE_ROOM(array, n, max) \
	do { \
		if ((n) >= (max)) \
		{ \
			(max) *= 2; \
			(array) = repalloc_huge(array, sizeof(*(array)) * (Size) (max)); \
		} \
	} while (0)

extern Walk *walk_begin(const WalkRequest *request);
extern void walk_end(Walk *walk);

/* Whether the pair of the asking user and an item allows to return it. */
extern bool walk_allows(Walk *walk, int32 index);

/* What an answer says of an item of items[]. */
extern void walk_describe(const Walk *walk, int32 index, WalkItem *item);

/* Index in items[] of an item, new or known. */
extern int32 walk_item(Walk *walk, int64 item);
extern double walk_weight(Walk *walk, int32 signals, int16 rating);
extern AffinityReader *walk_users(Walk *walk);

/* The rows of one user, pairs combined. */
extern void window_begin(Walk *walk);
extern void window_add(Walk *walk, const AffinityEntry *entry);


/* ---------- neighbour.c: hop 1, who shares the profile ---------- */

/* A user who shares profile items. */
typedef struct Neighbour
{
	int64		user;
	double		sum;			/* of w_i * ew(v,i) */
	double		anchor_weight;	/* w_i of the anchor */
	double		anchor_edge;	/* ew(v, anchor) */
	TimestampTz anchor_at;		/* t* */
	int32		anchor;			/* index of profile[] */
	int32		posting;		/* last one of this user, -1 = none */
	int32		user_items;		/* d_v, as far as known */
	int32		entry;			/* all rows are entries[] from here, -1 = not */
	int32		nentries;		/* number of them */
	bool		kept;			/* was one of the best */
} Neighbour;

/* A neighbour's pair with a profile item. */
typedef struct Posting
{
	TimestampTz at;				/* latest */
	int32		neighbour;		/* index of neighbours[] */
	int32		profile;		/* index of profile[] */
	int32		next;			/* older posting of the user, -1 = none */
	int32		signals;		/* event bits */
	int16		rating;			/* 0 = none */
} Posting;

/* d_v^-user_exponent is computed once for each d_v below this. */
#define USER_FACTORS			512

/* The walker's view of a walk: who shares the profile. */
typedef struct Hops
{
	Walk	   *walk;			/* profile, candidates, window */
	AffinityReader *by_item;	/* users of an item */

	idmap_hash *usermap;		/* user -> neighbours[] */
	Neighbour  *neighbours;
	int32		nneighbours;
	int32		maxneighbours;

	Posting    *postings;
	int32		npostings;
	int32		maxpostings;

	Ranked	   *heap;			/* neighbours not yet taken, best on top */
	int			nheap;
	int			lookups;		/* of present degrees still allowed */

	AffinityEntry *entries;		/* of neighbours with few rows, newest first */
	int32		nentries;
	int32		maxentries;

	double	   *gaps;			/* g(r), r = 1 at [0] */
	double		user_factor[USER_FACTORS];	/* d_v^-user_exponent, 0 = new */
} Hops;

extern Hops *hops_begin(Walk *walk);
extern void hops_end(Hops *hops);
extern double hops_user_factor(Hops *hops, int32 d);
extern const Neighbour *hops_find(Hops *hops, int64 user);
extern void hops_add(Hops *hops, int32 i, const AffinityEntry *entry,
					 bool resumed);
extern void hops_first(Hops *hops);
extern void hops_best_begin(Hops *hops);
extern Neighbour *hops_best_next(Hops *hops, double *score);


/* ---------- walk.c: hop 2 and the walk behind recommend() ---------- */

/* A user who is like the one who asks. */
typedef struct SimilarUser
{
	int64		user;
	double		score;			/* S(v) */
	int32		shared;			/* profile items of the user */
} SimilarUser;

/* Walks, once per Walk: afterwards its items[] have scores. */
extern void walk_go(Walk *walk);

/* Walks and fills result[max_items], returns how many. */
extern int	walk_run(Walk *walk, WalkItem *result);

/* The best neighbours, without walking further; fills result[max_items]. */
extern int	walk_similar_users(Walk *walk, SimilarUser *result);


/* ---------- similar.c: what the users of an item have too ---------- */

/* The popularity_exponent of similar items. */
#define SIMILAR_POPULARITY_EXPONENT 0.1

/* Any event; else "wanted" are the bits of those that count. */
#define SIMILAR_ALL				(-1)

/* Gives items[] the scores of items that are similar to the profile. */
extern void similar_go(Walk *walk);

/* Similar items of a request without user; fills result[max_items]. */
extern int	walk_similar(const WalkRequest *request, WalkItem *result);

/* Its steps. */
extern void similar_read_users(Hops *hops, int32 wanted);
extern bool similar_counts(Hops *hops, const Posting *posting, int32 wanted);
extern void similar_credit(Walk *walk, double amount, int32 because,
						   int32 wanted);
extern void similar_credit_users(Hops *hops, int32 wanted);


/* ---------- rank.c: candidates in order ---------- */

/* A heap, best on top. */
extern void ranked_build(Ranked *heap, int n);
extern void ranked_sift(Ranked *heap, int n, int i);
extern void ranked_push(Ranked *heap, int *n, const Ranked *element);
extern Ranked ranked_pop(Ranked *heap, int *n);
extern int	ranked_compare(const void *a, const void *b);

/* Ranks the items[] of a walk, one after the other. */
typedef struct Ranking Ranking;

extern Ranking *ranking_begin(Walk *walk, double popularity_exponent,
							  bool rearrange);
extern void ranking_begin_below(Ranking *ranking, double score);
extern bool ranking_next(Ranking *ranking, WalkItem *item);
extern void ranking_end(Ranking *ranking);

/* The damping factors of single items under the active snapshot. */
extern double ranking_damping(UsersReader *users, int64 item, int32 without,
							  double popularity_exponent);


/* ---------- rerank.c: a regression among the best candidates ---------- */

/* Most candidates that are arranged anew, the best ones. */
#define REARRANGED_ITEMS		100

/* Gives the n first candidates new scores, and sorts them. */
extern void rerank(Walk *walk, Ranked *top, int n);


/* ---------- filter.c: the caller's condition on items ---------- */

typedef struct ItemFilter ItemFilter;

/* NULL if argument n of fcinfo is; argument n + 1 is what it is called with. */
extern ItemFilter *item_filter_open(FunctionCallInfo fcinfo, int n,
									int max_calls);
extern bool item_filter_passes(ItemFilter *filter, int64 item);
extern bool item_filter_spent(const ItemFilter *filter);


/* ---------- recommend.c: SQL functions and their answers ---------- */

/* An answer that is being put together. */
typedef struct Answer
{
	struct ReturnSetInfo *rsinfo;	/* where its rows go */
	Walk	   *walk;			/* knows what may be returned */
	ItemFilter *filter;			/* NULL = none */
	int			missing;		/* items still wanted */
	double		last;			/* lowest score so far; 1 without */
	int			filled;			/* items offered to fill it up */
} Answer;

extern void answer_begin(Answer *answer, FunctionCallInfo fcinfo,
						 const WalkRequest *request, int filter_arg);
extern void answer_put(Answer *answer, Datum *values, bool *nulls);
extern void answer_offer(Answer *answer, const WalkItem *item, Datum reason);

/* Whether anything is still to be offered. */
static inline bool
answer_wants_more(const Answer *answer)
{
	return answer->missing > 0 && !item_filter_spent(answer->filter);
}


/* ---------- sample.c: users to evaluate, and what is hidden of them ---------- */

/* Which users are drawn, and what of them counts. */
typedef struct SampleRequest
{
	const InteractSettings *settings;	/* profile_scan */
	int			users;			/* how many are wanted */
	int32		events;			/* event bits of what is hidden, 0 = any */
	TimestampTz since;			/* what is hidden is not older */
	int64		seed;			/* another one draws other users */
} SampleRequest;

/* A user who was drawn. */
typedef struct SampleUser
{
	int64		user;
	TimestampTz before;			/* pairs of this time or later are hidden */
	int64		last_item;		/* most recent positive one that is left */
	int64	   *targets;		/* items that should come back, by id */
	int			ntargets;		/* at least 1 */
	AffinityEntry *hidden;		/* all hidden pairs, by item */
	int			nhidden;		/* at least 1 */
} SampleUser;

extern SampleUser *sample_users(const SampleRequest *request, int *nusers);
extern const AffinityEntry *sample_hidden(const SampleUser *user, int64 item);
extern bool sample_target(const SampleUser *user, int64 item);


/* ---------- evaluate.c: what comes back of what is hidden ---------- */

typedef enum Strategy
{
	STRATEGY_RECOMMEND,			/* recommend() */
	STRATEGY_SIMILAR,			/* similar to the last item that is left */
	STRATEGY_TRENDING,
	STRATEGY_POPULAR,
	NUM_STRATEGIES
} Strategy;

/* How well answers bring back what is hidden, summed over users. */
typedef struct EvalScore
{
	int			users;
	double		hits;			/* users with a target in the answer */
	double		mrr;			/* 1 / rank of the first target */
	double		ndcg;			/* binary relevance */
	double		ms;				/* milliseconds that calls took */
	int			calls;			/* calls that were timed */
} EvalScore;

typedef struct Evaluation Evaluation;

/* Sets column attnum of a row whose columns are null before. */
static inline void
row_set(Datum *values, bool *nulls, int attnum, Datum value)
{
	values[attnum - 1] = value;
	nulls[attnum - 1] = false;
}

/* Users per sample that may be asked for. */
#define EVAL_MAX_USERS			10000

extern int	interact_arg_between(FunctionCallInfo fcinfo, int n,
								 const char *name, int min, int max);
extern int	evaluate_args(FunctionCallInfo fcinfo, int first,
						  SampleRequest *request);
extern Evaluation *evaluation_begin(int max_items);
extern int	evaluation_ask(Evaluation *eval, Strategy strategy,
						   const InteractSettings *settings,
						   const SampleUser *user, EvalScore *score);
extern void evaluation_end(Evaluation *eval);


/* ---------- record.c, recordmany.c: recording functions ---------- */

/* Longest name of a list or an order, bytes; the tables check the same. */
#define RECORD_MAX_KEY_LEN		255


/* ---------- recordlist.c: what is on a user's lists and in the cart ---------- */

extern bool record_favorite(int64 user, int64 item, Datum list, TimestampTz at);
extern void record_cart_item(int64 user, int64 item, int32 quantity,
							 TimestampTz at);


/* ---------- recordarg.c: arguments and statements ---------- */

/*
 * Each checks one value of the type it is for, and raises an error that
 * calls it name.
 */
typedef void (*ValueCheck) (Datum value, const char *name);

extern void record_check_time(Datum value, const char *name);
extern void record_check_quantity(Datum value, const char *name);
extern void record_check_finite(Datum value, const char *name);
extern void record_check_price(Datum value, const char *name);
extern void record_check_key(Datum value, const char *name);
extern void record_check_rating(Datum value, const char *name);
extern void record_check_reaction(Datum value, const char *name);

extern TimestampTz record_arg_time(FunctionCallInfo fcinfo, int n);
extern int32 record_arg_quantity(FunctionCallInfo fcinfo, int n);
extern Datum record_arg(FunctionCallInfo fcinfo, int n, const char *name,
						ValueCheck check, bool *isnull);

extern uint64 record_run(InteractPlan *plan, const char *sql, int expected,
						 int nargs, Oid *argtypes, Datum *values,
						 const char *nulls);

/*
 * Runs fn(arg) in a subtransaction.  False, and nothing has happened, if a row
 * it wrote met one of another transaction in a unique constraint.
 */
extern bool record_try(void (*fn) (void *arg), void *arg);


/* ---------- recordfind.c: rows to be taken back ---------- */

extern uint64 record_run_found(InteractPlan *plan, const char *sql, int expected,
							   InteractRel rel, InteractRel index,
							   ScanKey keys, int nkeys,
							   int nargs, Oid *argtypes, Datum *values,
							   const char *nulls);
extern void record_pair_keys(ScanKey keys, int64 user, int64 item);
extern void record_text_key(ScanKey key, AttrNumber column, Datum value);


/* ---------- page.c: pages of rows ---------- */

/* What a page of a list is: max_items rows of a key after a position. */
typedef struct ListPage
{
	int64		key;			/* user or item whose rows they are */
	TimestampTz before;			/* rows sort after (before, before_id), which */
	int64		before_id;		/* is beyond all rows for the first page */
	int			max_items;		/* most rows */
} ListPage;

/*
 * The end of the statement of a page, from WHERE on, for table r and its index
 * (key, time, id); and for its index (key, name, time, id), name being equal to
 * $5.  Parameters $1 to $4 are the fields of ListPage.
 */
#define PAGE_BY_TIME(key, time) \
	" WHERE (r." key ", r." time ", r.id) " \
	"OPERATOR(pg_catalog.<) ($1, $2, $3) " \
	"AND r." key " OPERATOR(pg_catalog.>=) $1 " \
	"ORDER BY r." key " DESC, r." time " DESC, r.id DESC LIMIT $4"
#define PAGE_BY_NAME(key, name, time) \
	" WHERE (r." key ", r." name ", r." time ", r.id) " \
	"OPERATOR(pg_catalog.<) ($1, $5, $2, $3) " \
	"AND (r." key ", r." name ") OPERATOR(pg_catalog.>=) ($1, $5) " \
	"ORDER BY r." key " DESC, r." name " DESC, r." time " DESC, r.id DESC " \
	"LIMIT $4"

/* "is there a row (a, b) = (x, y)", by an index that begins with a, b */
#define PAGE_PROBE(table, a, b, x, y) \
	"(SELECT true FROM %s." table " AS p " \
	"WHERE (p." a ", p." b ") OPERATOR(pg_catalog.>=) (" x ", " y ") " \
	"AND (p." a ", p." b ") OPERATOR(pg_catalog.<=) (" x ", " y ") " \
	"ORDER BY p." a ", p." b " LIMIT 1) IS NOT NULL"

extern void page_args(FunctionCallInfo fcinfo, ListPage *page, int max_items,
					  int before);
extern int	page_append(FunctionCallInfo fcinfo, const ListPage *page,
						InteractPlan *plan, const char *sql,
						Oid nametype, Datum name);
extern void page_return(FunctionCallInfo fcinfo, const ListPage *page,
						InteractPlan *plan, const char *sql);
extern void page_return_named(FunctionCallInfo fcinfo, const ListPage *page,
							  InteractPlan *plan, const char *sql, Datum name);
extern SPIPlanPtr page_plan(InteractPlan *plan, const char *sql,
							int nargs, const Oid *argtypes);
extern void page_run(InteractPlan *plan, const char *sql, int nargs,
					 const Oid *argtypes, Datum *values);
extern void page_put(FunctionCallInfo fcinfo, const SPITupleTable *rows);


/* ---------- friend.c: who is whose friend ---------- */

extern bool friend_arg_mutual(FunctionCallInfo fcinfo, int n);
extern int64 *friends_load(int64 user, bool mutual, int *nfriends);


/* ---------- bucket.c: ranges of time, divided by the calendar ---------- */

/* Reads argument n, for functions that are called with a range of time. */
extern pg_tz *interact_arg_time_zone(FunctionCallInfo fcinfo, int n);
extern void interact_arg_range(FunctionCallInfo fcinfo, int from_arg,
							   int to_arg, pg_tz *zone, TimestampTz *from,
							   TimestampTz *to);

/* Fills *starts in ascending order, returns how many; more than max: error. */
extern int	interact_buckets(const Interval *bucket, const char *name,
							 TimestampTz from, TimestampTz to, pg_tz *zone,
							 int max, TimestampTz **starts);
extern TimestampTz interact_day_start(TimestampTz at, int days_before,
									  pg_tz *zone);
extern DateADT interact_date(TimestampTz at, pg_tz *zone);


/* ---------- funnel.c: how far users came ---------- */

/* Most steps */
#define FUNNEL_MAX_STEPS		10

/* Receives rows in the order of a user's time. */
typedef struct Funnel
{
	DestReceiver pub;			/* must be first */
	int			nsteps;
	int64		within;			/* most time from the first step; microseconds */
	bool		started;		/* there is a current pair */
	int64		user;			/* the current pair */
	int64		item;
	int			pair_steps;		/* steps the current pair has come so far */
	int			user_steps;		/* most steps of a pair of the current user */
	TimestampTz start[FUNNEL_MAX_STEPS];	/* latest start of a way of the
											 * current pair to each step */
	int64		pairs[FUNNEL_MAX_STEPS];	/* pairs that came so far */
	int64		users[FUNNEL_MAX_STEPS];	/* users that came so far */
} Funnel;

extern void funnel_begin(Funnel *funnel, int nsteps, int64 within);
extern Datum *funnel_arg_steps(FunctionCallInfo fcinfo, int n, int *nsteps);


/* ---------- keys.c: text and uuid keys ---------- */

/* Longest key, bytes; the table checks the same. */
#define INTERACT_MAX_KEY_LEN	1024

typedef enum KeyKind
{
	KEY_USER,
	KEY_ITEM
} KeyKind;

/* Looks ids up by their keys, and keys by their ids. */
typedef struct KeyReader KeyReader;

/* index: REL_KEY_PAIR, to look for ids, or REL_KEY_PKEY, to look for keys. */
extern KeyReader *key_reader_open(KeyKind kind, InteractRel index);
extern int64 key_reader_id(KeyReader *reader, Datum key);
extern text *key_reader_key(KeyReader *reader, int64 id);
extern void key_reader_close(KeyReader *reader);

extern const char *const key_kind_names[];
extern Datum key_normal(Datum key);


/* ---------- privilege.c: capabilities ---------- */

extern void interact_check_owner(void);

#endif							/* INTERACT_H */
