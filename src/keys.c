/*-------------------------------------------------------------------------
 *
 * keys.c
 *	  Text and uuid keys of users and items, and the bigint ids that stand for
 *	  them.
 *
 * An id is given to a key when it is first seen, and never changes.  A key that
 * is known costs one probe of an index: nothing is written, locked or taken
 * from the sequence.
 *
 * Keys are looked up with SnapshotSelf: an id that another transaction has
 * committed is the key's id, whether this transaction's snapshot shows the row
 * or not.  So recording by key does not fail at REPEATABLE READ or
 * SERIALIZABLE, takes no SIREAD locks, and every id leads back to its key.
 * The functions that only look up are STABLE all the same, to be of use in
 * index conditions: an id never changes, so all that can happen between two
 * calls in one statement is that a key comes to have one, or is forgotten.
 *
 * Two transactions that see a key for the first time meet in the unique
 * constraint of interact_key, as with any table: the second waits for the end
 * of the first, and then either finds its id or gives one itself.  Keys of an
 * array are written in their order, so that two arrays do not wait for each
 * other in turn.
 *
 * A key in the usual form of a uuid is kept as PostgreSQL prints a uuid: in
 * lower case, without braces.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include <ctype.h>

#include "access/detoast.h"
#include "access/relscan.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"

/* Characters of a uuid as text. */
#define UUID_TEXT_LEN		36

/* Rounds without a new id before make_ids() gives up. */
#define MAX_IDLE_ROUNDS		10

/* Columns of interact_key, in table order. */
enum
{
	Anum_key_id = 1,
	Anum_key_kind,
	Anum_key_key
};

/* Values of interact_key.kind. */
const char *const key_kind_names[] = {
	[KEY_USER] = "user",
	[KEY_ITEM] = "item",
};

struct KeyReader
{
	Relation	rel;			/* interact_key */
	Relation	index;			/* REL_KEY_PAIR: by key; REL_KEY_PKEY: by id */
	IndexScanDesc scan;			/* on index */
	TupleTableSlot *slot;		/* row met by the scan */
	Datum		kind;			/* text, that the rows have to have */
};

/* What insert_keys() works on. */
typedef struct MissingKeys
{
	KeyKind		kind;
	Datum	   *keys;			/* text, normal */
	int			nkeys;
} MissingKeys;

PG_FUNCTION_INFO_V1(interact_user_id);
PG_FUNCTION_INFO_V1(interact_item_id);
PG_FUNCTION_INFO_V1(interact_user_ids);
PG_FUNCTION_INFO_V1(interact_item_ids);
PG_FUNCTION_INFO_V1(interact_find_user_id);
PG_FUNCTION_INFO_V1(interact_find_item_id);
PG_FUNCTION_INFO_V1(interact_find_user_ids);
PG_FUNCTION_INFO_V1(interact_find_item_ids);
PG_FUNCTION_INFO_V1(interact_user_key);
PG_FUNCTION_INFO_V1(interact_item_key);
PG_FUNCTION_INFO_V1(interact_user_keys);
PG_FUNCTION_INFO_V1(interact_item_keys);


/* ---------- arguments ---------- */

/*
 * The form a key is kept in: itself, or, if it looks like a uuid, its digits
 * in lower case without the braces.
 */
Datum
key_normal(Datum key)
{
	text	   *t = DatumGetTextPP(key);
	const char *given = VARDATA_ANY(t);
	int			len = VARSIZE_ANY_EXHDR(t);
	char		uuid[UUID_TEXT_LEN];

	if (len == UUID_TEXT_LEN + 2 && given[0] == '{' && given[len - 1] == '}')
	{
		given++;
		len -= 2;
	}
	if (len != UUID_TEXT_LEN)
		return key;
	for (int i = 0; i < UUID_TEXT_LEN; i++)
	{
		bool		hyphen = i == 8 || i == 13 || i == 18 || i == 23;

		if (hyphen ? given[i] != '-' : !isxdigit((unsigned char) given[i]))
			return key;
		uuid[i] = pg_ascii_tolower((unsigned char) given[i]);
	}
	return PointerGetDatum(cstring_to_text_with_len(uuid, UUID_TEXT_LEN));
}

/*
 * The key in the form it is kept in; an error if its length is not allowed.
 * element is its number in the argument keys, or 0 if it is the argument key.
 */
static Datum
checked_key(Datum key, int element)
{
	int			len = (int) (toast_raw_datum_size(key) - VARHDRSZ);

	if (len < 1 || len > INTERACT_MAX_KEY_LEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be 1 to %d bytes long, not %d",
						element > 0 ? psprintf("keys[%d]", element) : "key",
						INTERACT_MAX_KEY_LEN, len)));
	return key_normal(key);
}

/* Argument 0, called key. */
static Datum
arg_key(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		interact_null_error("key");
	return checked_key(PG_GETARG_DATUM(0), 0);
}

/* Argument 0, called keys: an array of *nkeys keys. */
static Datum *
arg_keys(FunctionCallInfo fcinfo, int *nkeys)
{
	ArrayType  *array;
	Datum	   *keys;

	if (PG_ARGISNULL(0))
		interact_null_error("keys");
	array = PG_GETARG_ARRAYTYPE_P(0);
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s must be a one-dimensional array", "keys")));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not contain null", "keys")));

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT,
					  &keys, NULL, nkeys);
	for (int i = 0; i < *nkeys; i++)
		keys[i] = checked_key(keys[i], i + 1);
	return keys;
}

/*
 * An array of n ids; those that are 0, which no key has, become NULL.
 */
static Datum
id_array(const int64 *ids, int n)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(n, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(n, 1));
	int			lower = 1;

	if (n == 0)
		return PointerGetDatum(construct_empty_array(INT8OID));
	for (int i = 0; i < n; i++)
	{
		values[i] = Int64GetDatum(ids[i]);
		nulls[i] = ids[i] == 0;
	}
	return PointerGetDatum(construct_md_array(values, nulls, 1, &n, &lower,
											  INT8OID, sizeof(int64),
											  FLOAT8PASSBYVAL,
											  TYPALIGN_DOUBLE));
}


/* ---------- looking up ---------- */

/*
 * index is REL_KEY_PAIR, to look for ids, or REL_KEY_PKEY, to look for keys.
 */
KeyReader *
key_reader_open(KeyKind kind, InteractRel index)
{
	KeyReader  *reader = palloc(sizeof(KeyReader));

	reader->rel = table_open(interact_relid(REL_KEY), AccessShareLock);
	reader->index = index_open(interact_relid(index), AccessShareLock);
	reader->scan = interact_index_beginscan(reader->rel, reader->index, SnapshotSelf,
											index == REL_KEY_PAIR ? 2 : 1);
	reader->slot = table_slot_create(reader->rel, NULL);
	reader->kind = CStringGetTextDatum(key_kind_names[kind]);
	return reader;
}

void
key_reader_close(KeyReader *reader)
{
	index_endscan(reader->scan);
	ExecDropSingleTupleTableSlot(reader->slot);
	index_close(reader->index, NoLock);
	table_close(reader->rel, NoLock);
	pfree(reader);
}

/* The id of a key in its normal form; 0 if it has none. */
int64
key_reader_id(KeyReader *reader, Datum key)
{
	ScanKeyData keys[2];
	int64		id = 0;
	bool		isnull;

	ScanKeyEntryInitialize(&keys[0], 0, 1, BTEqualStrategyNumber, InvalidOid,
						   reader->index->rd_indcollation[0], F_TEXTEQ,
						   reader->kind);
	ScanKeyEntryInitialize(&keys[1], 0, 2, BTEqualStrategyNumber, InvalidOid,
						   reader->index->rd_indcollation[1], F_TEXTEQ, key);
	index_rescan(reader->scan, keys, 2, NULL, 0);
	if (index_getnext_slot(reader->scan, ForwardScanDirection, reader->slot))
		id = DatumGetInt64(slot_getattr(reader->slot, Anum_key_id, &isnull));
	ExecClearTuple(reader->slot);
	return id;
}

/* The key of an id, palloc'd; NULL if it has none of the kind. */
text *
key_reader_key(KeyReader *reader, int64 id)
{
	ScanKeyData keys[1];
	text	   *key = NULL;
	bool		isnull;

	if (id >= 0)
		return NULL;
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(id));
	index_rescan(reader->scan, keys, 1, NULL, 0);
	if (index_getnext_slot(reader->scan, ForwardScanDirection, reader->slot) &&
		DatumGetBool(DirectFunctionCall2Coll(texteq, DEFAULT_COLLATION_OID,
											 slot_getattr(reader->slot, Anum_key_kind, &isnull),
											 reader->kind)))
		key = DatumGetTextPCopy(slot_getattr(reader->slot, Anum_key_key, &isnull));
	ExecClearTuple(reader->slot);
	return key;
}

/* The ids of n keys, 0 where there is none. */
static void
find_ids(KeyKind kind, const Datum *keys, int64 *ids, int n)
{
	KeyReader  *reader = key_reader_open(kind, REL_KEY_PAIR);

	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		ids[i] = key_reader_id(reader, keys[i]);
		if (kind == KEY_USER)
			interact_check_found_user(ids[i] != 0, ids[i], "key");
	}
	key_reader_close(reader);
}


/* ---------- first sight ---------- */

/*
 * Give ids to keys, of which some may occur several times.
 *
 * The statement runs with the caller's privileges.  With one snapshot for the
 * transaction, ON CONFLICT would fail where a key was committed after it, while
 * a unique violation can be told from other failures.
 */
static void
insert_keys(void *arg)
{
	static InteractPlan plan;
	static InteractPlan snapshot_plan;
	const MissingKeys *missing = arg;
	Oid			argtypes[] = {TEXTOID, TEXTARRAYOID};
	Datum		values[2];
	bool		one_snapshot = IsolationUsesXactSnapshot();

	values[0] = CStringGetTextDatum(key_kind_names[missing->kind]);
	values[1] = PointerGetDatum(construct_array(missing->keys, missing->nkeys,
												TEXTOID, -1, false, TYPALIGN_INT));
#define INSERT_KEYS \
	"INSERT INTO %s.interact_key (kind, key) " \
	"SELECT $1, k.key FROM pg_catalog.unnest($2) AS k (key) " \
	"GROUP BY k.key ORDER BY k.key COLLATE pg_catalog.\"C\""

	record_run(one_snapshot ? &snapshot_plan : &plan,
			   one_snapshot ? INSERT_KEYS :
			   INSERT_KEYS " ON CONFLICT (kind, key) DO NOTHING",
			   SPI_OK_INSERT, lengthof(argtypes), argtypes, values, NULL);
}

/*
 * The ids of n keys; those that have none are given one, on behalf of the
 * function called caller.
 */
static void
make_ids(KeyKind kind, const char *caller, const Datum *keys, int64 *ids, int n)
{
	MissingKeys missing = {.kind = kind};
	int			before = n + 1;
	int			idle = 0;

	for (;;)
	{
		find_ids(kind, keys, ids, n);

		missing.nkeys = 0;
		for (int i = 0; i < n; i++)
		{
			if (ids[i] != 0)
				continue;
			if (missing.keys == NULL)
				missing.keys = palloc_extended(sizeof(Datum) * (Size) n,
											   MCXT_ALLOC_HUGE);
			missing.keys[missing.nkeys++] = keys[i];
		}
		if (missing.nkeys == 0)
			break;

		PreventCommandIfReadOnly(caller);
		PreventCommandIfParallelMode(caller);

		/*
		 * A key that another transaction wrote meanwhile is found in the next
		 * round.  If none is, it was deleted again, or something else is in
		 * the way, which is told if nothing catches it.
		 */
		idle = missing.nkeys < before ? 0 : idle + 1;
		before = missing.nkeys;
		if (idle >= MAX_IDLE_ROUNDS)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table interact_key does not take the key \"%s\"",
							TextDatumGetCString(missing.keys[0])),
					 errhint("Look for triggers and policies on the table.")));
		if (IsolationUsesXactSnapshot() && idle < MAX_IDLE_ROUNDS - 1)
			(void) record_try(insert_keys, &missing);
		else
			insert_keys(&missing);
	}
	if (missing.keys != NULL)
		pfree(missing.keys);
}


/* ---------- the functions ---------- */

/* The id of the key in argument 0, on behalf of the function called caller. */
static Datum
make_id(FunctionCallInfo fcinfo, KeyKind kind, const char *caller)
{
	Datum		key = arg_key(fcinfo);
	int64		id;

	make_ids(kind, caller, &key, &id, 1);
	return Int64GetDatum(id);
}

/* The same for an array. */
static Datum
make_id_array(FunctionCallInfo fcinfo, KeyKind kind, const char *caller)
{
	int			n;
	Datum	   *keys = arg_keys(fcinfo, &n);
	int64	   *ids = palloc_extended(sizeof(int64) * (Size) Max(n, 1), MCXT_ALLOC_HUGE);

	make_ids(kind, caller, keys, ids, n);
	return id_array(ids, n);
}

/* The id of the key in argument 0; NULL if it has none. */
static Datum
find_id(FunctionCallInfo fcinfo, KeyKind kind)
{
	Datum		key = arg_key(fcinfo);
	int64		id;

	find_ids(kind, &key, &id, 1);
	if (id == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(id);
}

/* The same for an array, with NULL elements. */
static Datum
find_id_array(FunctionCallInfo fcinfo, KeyKind kind)
{
	int			n;
	Datum	   *keys = arg_keys(fcinfo, &n);
	int64	   *ids = palloc_extended(sizeof(int64) * (Size) Max(n, 1), MCXT_ALLOC_HUGE);

	find_ids(kind, keys, ids, n);
	return id_array(ids, n);
}

/* The key of id; NULL if it has none of the kind. */
static Datum
find_key(FunctionCallInfo fcinfo, KeyKind kind, int64 id)
{
	KeyReader  *reader = key_reader_open(kind, REL_KEY_PKEY);
	text	   *key = key_reader_key(reader, id);

	key_reader_close(reader);
	if (key == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(key);
}

/* The keys of the ids in argument 0, with NULL elements. */
static Datum
find_key_array(FunctionCallInfo fcinfo, KeyKind kind, const char *name,
			   const char *elementname)
{
	KeyReader  *reader;
	int			n;
	int64	   *ids;
	Datum	   *keys;
	bool	   *nulls;
	int			lower = 1;

	if (PG_ARGISNULL(0))
		interact_null_error(name);
	ids = interact_arg_ids(fcinfo, 0, name, &n);
	if (n == 0)
		return PointerGetDatum(construct_empty_array(TEXTOID));

	keys = palloc_extended(sizeof(Datum) * (Size) n, MCXT_ALLOC_HUGE);
	nulls = palloc_extended(sizeof(bool) * (Size) n, MCXT_ALLOC_HUGE);
	reader = key_reader_open(kind, REL_KEY_PKEY);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (kind == KEY_USER)
			interact_check_user(ids[i], elementname);
		keys[i] = PointerGetDatum(key_reader_key(reader, ids[i]));
		nulls[i] = DatumGetPointer(keys[i]) == NULL;
	}
	key_reader_close(reader);
	return PointerGetDatum(construct_md_array(keys, nulls, 1, &n, &lower,
											  TEXTOID, -1, false, TYPALIGN_INT));
}

/* interact_user_id(key text) -> bigint */
Datum
interact_user_id(PG_FUNCTION_ARGS)
{
	return make_id(fcinfo, KEY_USER, "interact_user_id()");
}

/* interact_item_id(key text) -> bigint */
Datum
interact_item_id(PG_FUNCTION_ARGS)
{
	return make_id(fcinfo, KEY_ITEM, "interact_item_id()");
}

/* interact_user_ids(keys text[]) -> bigint[] */
Datum
interact_user_ids(PG_FUNCTION_ARGS)
{
	return make_id_array(fcinfo, KEY_USER, "interact_user_ids()");
}

/* interact_item_ids(keys text[]) -> bigint[] */
Datum
interact_item_ids(PG_FUNCTION_ARGS)
{
	return make_id_array(fcinfo, KEY_ITEM, "interact_item_ids()");
}

/* interact_find_user_id(key text) -> bigint */
Datum
interact_find_user_id(PG_FUNCTION_ARGS)
{
	return find_id(fcinfo, KEY_USER);
}

/* interact_find_item_id(key text) -> bigint */
Datum
interact_find_item_id(PG_FUNCTION_ARGS)
{
	return find_id(fcinfo, KEY_ITEM);
}

/* interact_find_user_ids(keys text[]) -> bigint[] */
Datum
interact_find_user_ids(PG_FUNCTION_ARGS)
{
	return find_id_array(fcinfo, KEY_USER);
}

/* interact_find_item_ids(keys text[]) -> bigint[] */
Datum
interact_find_item_ids(PG_FUNCTION_ARGS)
{
	return find_id_array(fcinfo, KEY_ITEM);
}

/* interact_user_key(user_id bigint) -> text */
Datum
interact_user_key(PG_FUNCTION_ARGS)
{
	return find_key(fcinfo, KEY_USER, interact_arg_user(fcinfo, 0, "user_id"));
}

/* interact_item_key(item_id bigint) -> text */
Datum
interact_item_key(PG_FUNCTION_ARGS)
{
	return find_key(fcinfo, KEY_ITEM, interact_arg_id(fcinfo, 0, "item_id"));
}

/* interact_user_keys(user_ids bigint[]) -> text[] */
Datum
interact_user_keys(PG_FUNCTION_ARGS)
{
	return find_key_array(fcinfo, KEY_USER, "user_ids", "user_id");
}

/* interact_item_keys(item_ids bigint[]) -> text[] */
Datum
interact_item_keys(PG_FUNCTION_ARGS)
{
	return find_key_array(fcinfo, KEY_ITEM, "item_ids", "item_id");
}
