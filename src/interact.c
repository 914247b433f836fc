/*-------------------------------------------------------------------------
 *
 * interact.c
 *	  Module start, the cache of the extension's relation OIDs, saved plans,
 *	  and the reading of SQL arguments.
 *
 * The extension may live in any schema and may be dropped and created again
 * while a session goes on.  OIDs are therefore looked up by name in the
 * schema recorded in pg_extension, once per session, and forgotten whenever a
 * relation of ours is invalidated.  Everything that depends on them (saved
 * plans, the registries of eventtype.c and setting.c) compares
 * interact_generation().
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/resowner.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

PG_FUNCTION_INFO_V1(interact_arg_user_sql);
PG_FUNCTION_INFO_V1(interact_arg_id_sql);
PG_FUNCTION_INFO_V1(interact_arg_max_items_sql);

/*
 * interact.user_id: the only user the session may ask for and record as; empty
 * means any.  only_user points to the number, or is NULL.
 *
 * A session may have set it before the library was loaded, when nobody could
 * refuse a value that is no number.  Such a value must not come to mean
 * "any": while defining is true it is taken, and means NOBODY.
 */
static char *session_user_string = NULL;
static const int64 *only_user = NULL;
static bool defining = false;

#define NOBODY		PG_INT64_MIN

/* Names of the relations, in the order of InteractRel. */
static const char *const rel_names[NUM_INTERACT_RELS] = {
	[REL_VIEW] = "interact_view",
	[REL_FAVORITE] = "interact_favorite",
	[REL_REVIEW] = "interact_review",
	[REL_REACTION] = "interact_reaction",
	[REL_CART_ITEM] = "interact_cart_item",
	[REL_PURCHASE] = "interact_purchase",
	[REL_EVENT] = "interact_event",
	[REL_PRUNED] = "interact_pruned",
	[REL_EVENT_TYPE] = "interact_event_type",
	[REL_SETTING] = "interact_setting",
	[REL_AFFINITY] = "interact_affinity",
	[REL_AFFINITY_PKEY] = "interact_affinity_pkey",
	[REL_AFFINITY_USER] = "interact_affinity_user",
	[REL_AFFINITY_ITEM] = "interact_affinity_item",
	[REL_COUNTER] = "interact_counter",
	[REL_COUNTER_PKEY] = "interact_counter_pkey",
	[REL_COUNTER_COUNT] = "interact_counter_count",
	[REL_COUNTER_HOT] = "interact_counter_hot",
	[REL_COUNTER_RATING] = "interact_counter_rating",
	[REL_CATALOGUE] = "interact_catalogue",
	[REL_CATALOGUE_PKEY] = "interact_catalogue_pkey",
	[REL_VIEW_PAIR] = "interact_view_pair",
	[REL_FAVORITE_PAIR] = "interact_favorite_pair",
	[REL_REVIEW_PAIR] = "interact_review_pair",
	[REL_REACTION_PAIR] = "interact_reaction_pair",
	[REL_CART_ITEM_PAIR] = "interact_cart_item_pair",
	[REL_CART_ITEM_OPEN] = "interact_cart_item_open",
	[REL_PURCHASE_PAIR] = "interact_purchase_pair",
	[REL_EVENT_PAIR] = "interact_event_pair",
	[REL_FAVORITE_LIST] = "interact_favorite_list",
	[REL_FRIEND] = "interact_friend",
	[REL_FRIEND_PAIR] = "interact_friend_pair",
	[REL_KEY] = "interact_key",
	[REL_KEY_PKEY] = "interact_key_pkey",
	[REL_KEY_PAIR] = "interact_key_pair",
	[REL_PRUNED_PAIR] = "interact_pruned_pair",
};

/* The cache: valid while relids_valid. */
static bool relids_valid = false;
static Oid	relids[NUM_INTERACT_RELS];
static char schema_name[2 * NAMEDATALEN + 3];
static uint64 generation = 0;

/*
 * A relation changed.  Forget what we hold about it: settings and event types
 * when theirs was written (the triggers of eventtype.c ask for this message,
 * which commit sends to every backend and to standbys), all OIDs when a
 * relation of ours was altered or everything was reset.
 *
 * relids[] names our relations also while it is not valid: a message about
 * settings or event types must not be lost because one about another relation
 * came before it.
 */
static void
relcache_callback(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == relids[REL_SETTING])
		interact_settings_reset();
	if (relid == InvalidOid || relid == relids[REL_EVENT_TYPE])
		interact_event_types_reset();

	for (int i = 0; i < NUM_INTERACT_RELS; i++)
	{
		if (relid == InvalidOid || relid == relids[i])
		{
			relids_valid = false;
			break;
		}
	}
}

/* Reads a bigint without anything around it; false if it is none. */
static bool
parse_user(const char *value, int64 *user)
{
	char	   *end;

	errno = 0;
	*user = strtoi64(value, &end, 10);
	return errno == 0 && end != value && *end == '\0';
}

/* interact.user_id has to be empty or a bigint. */
static bool
check_session_user(char **newval, void **extra, GucSource source)
{
	int64		user;
	int64	   *copy;

	*extra = NULL;
	if (**newval == '\0')
		return true;

	if (!parse_user(*newval, &user))
	{
		if (!defining)
		{
			GUC_check_errdetail("It must be empty or a bigint.");
			return false;
		}
		user = NOBODY;
	}
	copy = interact_guc_malloc(sizeof(int64));
	if (copy == NULL)
		return false;
	*copy = user;
	*extra = copy;
	return true;
}

static void
assign_session_user(const char *newval, void *extra)
{
	only_user = extra;
}

void
_PG_init(void)
{
	defining = true;
	DefineCustomStringVariable("interact.user_id",
							   "The only user this session may ask for and record as.",
							   "Empty, the default, for any.",
							   &session_user_string, "", PGC_USERSET, 0,
							   check_session_user, assign_session_user, NULL);
	defining = false;
	CacheRegisterRelcacheCallback(relcache_callback, (Datum) 0);
}

/*
 * OID of the schema the extension was created in; an error if there is none
 * (the library loaded by hand, or a function kept from a dropped extension).
 */
static Oid
extension_schema(void)
{
	Relation	rel;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tup;
	Oid			nsp = InvalidOid;

	rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber,
				F_NAMEEQ, CStringGetDatum("interact"));
	scan = systable_beginscan(rel, ExtensionNameIndexId, true, NULL, 1, &key);
	tup = systable_getnext(scan);
	if (HeapTupleIsValid(tup))
		nsp = ((Form_pg_extension) GETSTRUCT(tup))->extnamespace;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);

	if (!OidIsValid(nsp))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("extension \"interact\" is not installed in this database"),
				 errhint("Run CREATE EXTENSION interact.")));
	return nsp;
}

/*
 * Fill the cache.  Plans and registries are made anew only when an OID or the
 * schema really changed: VACUUM and ANALYZE invalidate relations all day.
 */
static void
load_relids(void)
{
	Oid			nsp = extension_schema();
	Oid			found[NUM_INTERACT_RELS];
	const char *name;

	for (int i = 0; i < NUM_INTERACT_RELS; i++)
	{
		found[i] = get_relname_relid(rel_names[i], nsp);
		if (!OidIsValid(found[i]))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_TABLE),
					 errmsg("relation \"%s\" of extension \"interact\" does not exist",
							rel_names[i]),
					 errhint("The installed script and the library are of different versions; run ALTER EXTENSION interact UPDATE.")));
	}

	name = quote_identifier(get_namespace_name(nsp));
	if (generation == 0 || strcmp(name, schema_name) != 0 ||
		memcmp(found, relids, sizeof(relids)) != 0)
	{
		strlcpy(schema_name, name, sizeof(schema_name));
		memcpy(relids, found, sizeof(relids));
		generation++;
		interact_settings_reset();
		interact_event_types_reset();
	}
	relids_valid = true;
}

/* OID of a relation of the extension. */
Oid
interact_relid(InteractRel rel)
{
	if (!relids_valid)
		load_relids();
	return relids[rel];
}

/* The extension's schema, quoted for use in SQL text. */
const char *
interact_schema(void)
{
	if (!relids_valid)
		load_relids();
	return schema_name;
}

/* A number that changes whenever a relation's OID or the schema did. */
uint64
interact_generation(void)
{
	if (!relids_valid)
		load_relids();
	return generation;
}

/*
 * The saved plan of sql, prepared at first use with these cursor options; the
 * caller is connected to SPI.  Every "%s" in sql becomes the extension's
 * schema.
 */
static SPIPlanPtr
saved_plan(InteractPlan *plan, const char *sql, int nargs, Oid *argtypes,
		   int options)
{
	StringInfoData buf;
	const char *p;
	SPIPlanPtr	made;

	if (plan->plan != NULL && plan->generation == interact_generation())
		return plan->plan;

	if (plan->plan != NULL)
	{
		SPIPlanPtr	old = plan->plan;

		plan->plan = NULL;
		SPI_freeplan(old);
	}

	initStringInfo(&buf);
	for (p = sql; *p; p++)
	{
		if (p[0] == '%' && p[1] == 's')
		{
			appendStringInfoString(&buf, interact_schema());
			p++;
		}
		else
			appendStringInfoChar(&buf, *p);
	}

	made = SPI_prepare_cursor(buf.data, nargs, argtypes, options);
	if (made == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	SPI_keepplan(made);
	plan->plan = made;
	plan->generation = interact_generation();
	pfree(buf.data);
	return made;
}

SPIPlanPtr
interact_plan(InteractPlan *plan, const char *sql, int nargs, Oid *argtypes)
{
	return saved_plan(plan, sql, nargs, argtypes, 0);
}

SPIPlanPtr
interact_generic_plan(InteractPlan *plan, const char *sql, int nargs,
					  Oid *argtypes)
{
	return saved_plan(plan, sql, nargs, argtypes, CURSOR_OPT_GENERIC_PLAN);
}

SPIPlanPtr
interact_custom_plan(InteractPlan *plan, const char *sql, int nargs,
					 Oid *argtypes)
{
	return saved_plan(plan, sql, nargs, argtypes,
					  CURSOR_OPT_CUSTOM_PLAN | CURSOR_OPT_PARALLEL_OK);
}

/*
 * Make the plan, unless it is there and valid.  Planning alone happens under
 * these settings, not the statement with the triggers it fires.
 */
void
interact_plan_under(SPIPlanPtr plan, const PlanSetting *settings, int nsettings)
{
	int			nest = NewGUCNestLevel();
	CachedPlan *cached;

	for (int i = 0; i < nsettings; i++)
		(void) set_config_option(settings[i].name, settings[i].value,
								 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
								 true, 0, false);
	cached = SPI_plan_get_cached_plan(plan);
	if (cached != NULL)
		ReleaseCachedPlan(cached, CurrentResourceOwner);
	AtEOXact_GUC(true, nest);
}

/* Run one utility command; the caller is connected to SPI. */
void
interact_execute(const char *command)
{
	int			result = SPI_execute(command, false, 0);

	if (result != SPI_OK_UTILITY)
		elog(ERROR, "SPI_execute returned %s for: %s",
			 SPI_result_code_string(result), command);
}

/* Raise the error for an argument that must not be NULL. */
void
interact_null_error(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s must not be null", name)));
}

/* A user or item id. */
int64
interact_arg_id(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		interact_null_error(name);
	return PG_GETARG_INT64(n);
}

/*
 * Raise an error if the session is restricted to one user by the setting
 * interact.user_id and this is another.
 */
void
interact_check_user(int64 user, const char *name)
{
	if (only_user != NULL && *only_user != user)
	{
		int64		parsed;

		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s must be %s, the user of this session",
						name, session_user_string),
				 parse_user(session_user_string, &parsed) ? 0 :
				 errdetail("That is nobody, because it is not a bigint."),
				 errhint("The setting interact.user_id restricts the session to one user.")));
	}
}

/*
 * Raise an error if the session is restricted to one user and found is false,
 * or the user that was found is another: the same one, so that it does not
 * tell whether what was looked for exists.
 */
void
interact_check_found_user(bool found, int64 user, const char *name)
{
	if (only_user != NULL && !(found && *only_user == user))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s must be that of the user of this session", name),
				 errhint("The setting interact.user_id restricts the session to one user.")));
}

/*
 * Whether the session is restricted to one user, and to whom; for functions
 * that return users.
 */
bool
interact_session_user(int64 *user)
{
	if (only_user == NULL)
		return false;
	*user = *only_user;
	return true;
}

/* The id of the user a function is called for. */
int64
interact_arg_user(FunctionCallInfo fcinfo, int n, const char *name)
{
	int64		user = interact_arg_id(fcinfo, n, name);

	interact_check_user(user, name);
	return user;
}

/* A boolean that must not be NULL. */
bool
interact_arg_bool(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		interact_null_error(name);
	return PG_GETARG_BOOL(n);
}

/* max_items: 0 to INTERACT_MAX_ITEMS. */
int
interact_arg_max_items(FunctionCallInfo fcinfo, int n)
{
	int32		max_items;

	if (PG_ARGISNULL(n))
		interact_null_error("max_items");
	max_items = PG_GETARG_INT32(n);
	if (max_items < 0 || max_items > INTERACT_MAX_ITEMS)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("max_items must be between 0 and %d, not %d",
						INTERACT_MAX_ITEMS, max_items),
				 errhint("Ask for a page at a time.")));
	return max_items;
}

/*
 * An array of ids; NULL and the empty array give none.  More than one
 * dimension or a NULL element is an error.  The result is palloc'd.
 */
int64 *
interact_arg_ids(FunctionCallInfo fcinfo, int n, const char *name, int *nids)
{
	ArrayType  *array;
	Datum	   *elements;
	int64	   *ids;

	*nids = 0;
	if (PG_ARGISNULL(n))
		return NULL;

	array = PG_GETARG_ARRAYTYPE_P(n);
	if (ARR_NDIM(array) == 0)
		return NULL;
	if (ARR_NDIM(array) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s must be a one-dimensional array", name)));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not contain null", name)));

	deconstruct_array(array, INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &elements, NULL, nids);
	ids = palloc_extended(sizeof(int64) * (Size) *nids, MCXT_ALLOC_HUGE);
	for (int i = 0; i < *nids; i++)
		ids[i] = DatumGetInt64(elements[i]);
	pfree(elements);
	return ids;
}

/* ---------- checks for functions written in SQL ---------- */

/* Name of the argument that is checked: argument 1. */
static char *
checked_name(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(1))
		interact_null_error("name");
	return text_to_cstring(PG_GETARG_TEXT_PP(1));
}

/* interact_arg_user(value, name) -> bigint: value, if it may be asked for. */
Datum
interact_arg_user_sql(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(interact_arg_user(fcinfo, 0, checked_name(fcinfo)));
}

/* interact_arg_id(value, name) -> bigint: value, if it is not null. */
Datum
interact_arg_id_sql(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(interact_arg_id(fcinfo, 0, checked_name(fcinfo)));
}

/* interact_arg_max_items(value) -> integer: value, if it is in range. */
Datum
interact_arg_max_items_sql(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(interact_arg_max_items(fcinfo, 0));
}
