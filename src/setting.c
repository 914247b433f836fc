/*-------------------------------------------------------------------------
 *
 * setting.c
 *	  Tuned parameters: rows of interact_setting that differ from default.
 *
 * Settings live in a table, not in postgresql.conf, so that a primary and its
 * standbys agree, a dump carries them and no superuser is needed.  Each
 * backend keeps them parsed; a change sends an invalidation of the table at
 * commit, which every backend, also of a standby, answers by reading again.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* Columns of interact_setting. */
enum
{
	Anum_setting_name = 1,
	Anum_setting_value
};

typedef enum SettingType
{
	SETTING_INT,
	SETTING_REAL,
	SETTING_INTERVAL			/* kept as double microseconds */
} SettingType;

/* Description of one setting. */
typedef struct SettingInfo
{
	const char *name;			/* in interact_setting.name */
	SettingType type;			/* of the field and of the text */
	size_t		offset;			/* of its field in InteractSettings */
	double		def;			/* default; intervals in microseconds */
	double		min;			/* least value allowed */
	double		max;			/* greatest value allowed */
	const char *description;	/* for interact_settings() */
} SettingInfo;

#define DAYS(n)		((double) (n) * USECS_PER_DAY)
#define FIELD(f)	offsetof(InteractSettings, f)

/* In the order of InteractSettings. */
static const SettingInfo setting_info[] = {
	{"profile_scan", SETTING_INT, FIELD(profile_scan), 1000, 10, 100000,
	"newest items of the user read to know what the user already has"},
	{"profile_items", SETTING_INT, FIELD(profile_items), 100, 1, 1000,
	"newest items of the user that recommendations start from"},
	{"hop1_budget", SETTING_INT, FIELD(hop1_budget), 4000, 10, 1000000,
	"index entries read to find neighbours"},
	{"neighbours", SETTING_INT, FIELD(neighbours), 200, 1, 10000,
	"users whose rows are read for candidates"},
	{"hop2_budget", SETTING_INT, FIELD(hop2_budget), 10000, 10, 1000000,
	"index entries read to find candidates"},
	{"window_rows", SETTING_INT, FIELD(window_rows), 60, 1, 10000,
	"rows read of a neighbour before and after the shared item"},
	{"latest_rows", SETTING_INT, FIELD(latest_rows), 0, 0, 10000,
	"latest rows read of a neighbour instead of those around the shared item; 0 = off"},
	{"position_exponent", SETTING_REAL, FIELD(position_exponent), 0.5, 0, 10,
	"how fast older items of the user lose weight"},
	{"item_exponent", SETTING_REAL, FIELD(item_exponent), 0.4, 0, 10,
	"how much less a popular shared item says"},
	{"user_exponent", SETTING_REAL, FIELD(user_exponent), 0.4, 0, 10,
	"how much less a neighbour with many items says"},
	{"strength_exponent", SETTING_REAL, FIELD(strength_exponent), 1, 0, 10,
	"how much more a neighbour who shares more says"},
	{"popularity_exponent", SETTING_REAL, FIELD(popularity_exponent), 0.1, -1, 10,
	"how much popular candidates are damped"},
	{"gap_exponent", SETTING_REAL, FIELD(gap_exponent), 0.4, 0, 10,
	"how fast candidates lose weight with rows between them and the shared item"},
	{"before_factor", SETTING_REAL, FIELD(before_factor), 0.6, 0, 10,
	"weight of what a neighbour did before the shared item; after it is 1"},
	{"recency_floor", SETTING_REAL, FIELD(recency_floor), 0.3, 0, 1,
	"share of a candidate's weight that does not age"},
	{"recency_half_life", SETTING_INTERVAL, FIELD(recency_half_life),
		DAYS(90), USECS_PER_HOUR, DAYS(36525),
	"age at which the ageing share of a candidate's weight is halved"},
	{"friends_weight", SETTING_REAL, FIELD(friends_weight), 10, 0,
		MAX_FRIENDS_WEIGHT,
	"weight of a friend, in mean strengths of a neighbour; 0 = off"},
	{"diversity", SETTING_REAL, FIELD(diversity), 1, 0.1, 1,
	"factor on a candidate's score for each one before it with the same because_item_id; 1 = off"},
	{"rerank_weight", SETTING_REAL, FIELD(rerank_weight), 0, 0, 1,
	"share of the score that a regression among the best candidates has; 0 = off"},
	{"filter_calls", SETTING_INT, FIELD(filter_calls), 10000, 1, 1000000,
	"most calls of a filter function for one answer"},
	{"trending_half_life", SETTING_INTERVAL, FIELD(trending_half_life),
		DAYS(3), USECS_PER_HOUR, DAYS(36525),
	"age at which an event counts half for trending"},
};

#define NUM_SETTINGS	((int) lengthof(setting_info))

static InteractSettings settings;
static bool settings_valid = false;
static uint64 settings_generation = 0;

PG_FUNCTION_INFO_V1(interact_settings_list);
PG_FUNCTION_INFO_V1(interact_set);
PG_FUNCTION_INFO_V1(interact_setting_trigger);

/* Forget the parsed settings; called by the relation cache's callback. */
void
interact_settings_reset(void)
{
	settings_valid = false;
}

/* Description of the named setting; an error that lists all if unknown. */
static const SettingInfo *
find_setting(const char *name)
{
	StringInfoData known;

	for (int i = 0; i < NUM_SETTINGS; i++)
	{
		if (strcmp(setting_info[i].name, name) == 0)
			return &setting_info[i];
	}

	initStringInfo(&known);
	for (int i = 0; i < NUM_SETTINGS; i++)
		appendStringInfo(&known, "%s%s", i ? ", " : "", setting_info[i].name);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("unknown setting \"%s\"", name),
			 errhint("Settings are: %s.", known.data)));
}

/* Value as text of the type of a setting; palloc'd. */
static char *
setting_text(const SettingInfo *info, double value)
{
	if (info->type == SETTING_INTERVAL)
	{
		Interval	span;

		span.month = 0;
		span.day = (int32) (value / USECS_PER_DAY);
		span.time = (int64) (value - (double) span.day * USECS_PER_DAY);
		return DatumGetCString(DirectFunctionCall1(interval_out,
												   IntervalPGetDatum(&span)));
	}
	return DatumGetCString(DirectFunctionCall1(float8out,
											   Float8GetDatum(value)));
}

/*
 * Parse text as a value of the setting; errors for malformed text and values
 * out of range.  Months and years count 30 and 365.25 days.
 */
static double
parse_setting(const SettingInfo *info, const char *text)
{
	double		value;

	if (info->type == SETTING_INTERVAL)
	{
		Interval   *span;

		span = DatumGetIntervalP(DirectFunctionCall3(interval_in,
													 CStringGetDatum(text),
													 ObjectIdGetDatum(InvalidOid),
													 Int32GetDatum(-1)));
		value = (double) span->time + DAYS(span->day) +
			DAYS(30) * (span->month % MONTHS_PER_YEAR) +
			DAYS(365.25) * (span->month / MONTHS_PER_YEAR);
	}
	else
		value = DatumGetFloat8(DirectFunctionCall1(float8in,
												   CStringGetDatum(text)));

	if (isnan(value) || value < info->min || value > info->max ||
		(info->type == SETTING_INT && value != floor(value)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for setting \"%s\": \"%s\"",
						info->name, text),
				 errdetail("It must be %s between %s and %s.",
						   info->type == SETTING_INT ? "a whole number" :
						   info->type == SETTING_REAL ? "a number" : "an interval",
						   setting_text(info, info->min),
						   setting_text(info, info->max))));
	return value;
}

/* Store a value into the setting's field. */
static void
assign_setting(InteractSettings *to, const SettingInfo *info, double value)
{
	char	   *field = (char *) to + info->offset;

	if (info->type == SETTING_INT)
		*(int *) field = (int) value;
	else
		*(double *) field = value;
}

/* Value of the setting's field. */
static double
setting_value(const InteractSettings *from, const SettingInfo *info)
{
	const char *field = (const char *) from + info->offset;

	return info->type == SETTING_INT ? *(const int *) field :
		*(const double *) field;
}

/*
 * The settings in force: defaults and the rows of interact_setting.  The
 * result is valid until the next command.
 *
 * The table is read with the newest snapshot, not the transaction's, because
 * the result is kept for later transactions; in the way of a catalog, because
 * parallel workers must be able to.
 */
const InteractSettings *
interact_settings(void)
{
	Relation	rel;
	TableScanDesc scan;
	TupleTableSlot *slot;
	Snapshot	snapshot;
	InteractSettings fresh;

	if (settings_valid && settings_generation == interact_generation())
		return &settings;

	interact_settings_default(&fresh);

	/* Set before reading, so that a message that arrives meanwhile counts. */
	settings_generation = interact_generation();
	rel = table_open(interact_relid(REL_SETTING), AccessShareLock);
	settings_valid = true;

	snapshot = RegisterSnapshot(GetCatalogSnapshot(RelationGetRelid(rel)));
	scan = interact_table_beginscan(rel, snapshot);
	slot = table_slot_create(rel, NULL);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		char	   *name;
		char	   *value;
		const SettingInfo *info;

		name = TextDatumGetCString(slot_getattr(slot, Anum_setting_name, &isnull));
		value = TextDatumGetCString(slot_getattr(slot, Anum_setting_value, &isnull));

		/* A row that a newer version wrote must not stop an older one. */
		info = NULL;
		for (int i = 0; i < NUM_SETTINGS; i++)
		{
			if (strcmp(setting_info[i].name, name) == 0)
				info = &setting_info[i];
		}
		if (info != NULL)
			assign_setting(&fresh, info, parse_setting(info, value));
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(rel, AccessShareLock);

	settings = fresh;
	return &settings;
}

/*
 * Sets all settings to their defaults.
 */
void
interact_settings_default(InteractSettings *to)
{
	for (int i = 0; i < NUM_SETTINGS; i++)
		assign_setting(to, &setting_info[i], setting_info[i].def);
}

/*
 * Whether all settings are the same.
 */
bool
interact_settings_equal(const InteractSettings *a, const InteractSettings *b)
{
	for (int i = 0; i < NUM_SETTINGS; i++)
	{
		if (setting_value(a, &setting_info[i]) != setting_value(b, &setting_info[i]))
			return false;
	}
	return true;
}

/*
 * The value of a setting in *from; intervals in microseconds.
 */
double
interact_setting_get(const InteractSettings *from, const char *name)
{
	return setting_value(from, find_setting(name));
}

/*
 * Gives a setting in *to a value, or the nearest one that is allowed.
 */
void
interact_setting_put(InteractSettings *to, const char *name, double value)
{
	const SettingInfo *info = find_setting(name);

	value = Max(Min(value, info->max), info->min);
	assign_setting(to, info, info->type == SETTING_INT ? rint(value) : value);
}

/*
 * Changes settings in *to as a JSON object says: names and values as for
 * interact_set(), numbers with or without quotes, null for the default.
 */
void
interact_settings_from_json(InteractSettings *to, Jsonb *json)
{
	JsonbIterator *it = JsonbIteratorInit(&json->root);
	JsonbIteratorToken token;
	JsonbValue	v;
	const SettingInfo *info = NULL;

	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("settings must be a JSON object"),
				 errhint("Give names and values of settings, for instance {\"window_rows\": 40}.")));

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			info = find_setting(pnstrdup(v.val.string.val, v.val.string.len));
		else if (token != WJB_VALUE)
			continue;
		else if (v.type == jbvNull)
			assign_setting(to, info, info->def);
		else if (v.type == jbvString)
			assign_setting(to, info,
						   parse_setting(info, pnstrdup(v.val.string.val,
														v.val.string.len)));
		else if (v.type == jbvNumeric && info->type != SETTING_INTERVAL)
			assign_setting(to, info,
						   parse_setting(info,
										 DatumGetCString(DirectFunctionCall1(numeric_out,
																			 NumericGetDatum(v.val.numeric)))));
		else
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("value of setting \"%s\" must be %s", info->name,
							info->type == SETTING_INTERVAL ? "a string" :
							"a number or a string")));
	}
}

/*
 * What interact_settings_from_json() needs to make *changed out of *base.
 */
Jsonb *
interact_settings_to_json(const InteractSettings *base,
						  const InteractSettings *changed)
{
	StringInfoData json;

	initStringInfo(&json);
	for (int i = 0; i < NUM_SETTINGS; i++)
	{
		const SettingInfo *info = &setting_info[i];
		double		value = setting_value(changed, info);
		const char *quote = info->type == SETTING_INTERVAL ? "\"" : "";

		if (value == setting_value(base, info))
			continue;
		appendStringInfo(&json, "%s\"%s\": %s%s%s", json.len > 0 ? ", " : "{",
						 info->name, quote, setting_text(info, value), quote);
	}
	appendStringInfoString(&json, json.len > 0 ? "}" : "{}");
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
											  CStringGetDatum(json.data)));
}

/*
 * interact_settings() -> setof (name, value, default_value, min_value,
 * max_value, description): all settings, in the order of setting_info.
 */
Datum
interact_settings_list(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	const InteractSettings *now = interact_settings();

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < NUM_SETTINGS; i++)
	{
		const SettingInfo *info = &setting_info[i];
		Datum		values[6];
		bool		nulls[6] = {false};

		values[0] = CStringGetTextDatum(info->name);
		values[1] = CStringGetTextDatum(setting_text(info, setting_value(now, info)));
		values[2] = CStringGetTextDatum(setting_text(info, info->def));
		values[3] = CStringGetTextDatum(setting_text(info, info->min));
		values[4] = CStringGetTextDatum(setting_text(info, info->max));
		values[5] = CStringGetTextDatum(info->description);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * Stores a setting, or with text NULL goes back to the default.  Returns the
 * value in force from now on as text, palloc'd.
 */
static char *
store_setting(const char *name, const char *text)
{
	static InteractPlan put_plan;
	static InteractPlan reset_plan;
	Oid			types[2] = {TEXTOID, TEXTOID};
	Datum		values[2];
	const SettingInfo *info;
	double		before;
	double		value;
	int			rc;

	info = find_setting(name);
	before = setting_value(interact_settings(), info);
	value = text == NULL ? info->def : parse_setting(info, text);

	SPI_connect();
	values[0] = CStringGetTextDatum(name);
	if (text == NULL)
		rc = SPI_execute_plan(interact_plan(&reset_plan,
											"DELETE FROM %s.interact_setting"
											" WHERE name OPERATOR(pg_catalog.=) $1",
											1, types),
							  values, NULL, false, 0);
	else
	{
		values[1] = CStringGetTextDatum(text);
		rc = SPI_execute_plan(interact_plan(&put_plan,
											"INSERT INTO %s.interact_setting (name, value) VALUES ($1, $2)"
											" ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value",
											2, types),
							  values, NULL, false, 0);
	}
	if (rc < 0)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(rc));
	SPI_finish();

	if (info->offset == FIELD(trending_half_life) && value != before)
		ereport(NOTICE,
				(errmsg("stored trends still follow the former half-life"),
				 errdetail("Computing them again took 155 seconds for a million items with three event types each."),
				 errhint("Run SELECT interact_rebuild('hot') to compute them again.")));

	return setting_text(info, value);
}

/*
 * Stores all settings in *changed that differ from those in force.
 */
void
interact_settings_store(const InteractSettings *changed)
{
	InteractSettings before = *interact_settings();

	for (int i = 0; i < NUM_SETTINGS; i++)
	{
		const SettingInfo *info = &setting_info[i];
		double		value = setting_value(changed, info);

		if (value == setting_value(&before, info))
			continue;
		store_setting(info->name,
					  value == info->def ? NULL : setting_text(info, value));
	}
}

/*
 * interact_set(name, value) -> text: store a setting, or with value NULL go
 * back to the default; returns the value in force from now on.
 */
Datum
interact_set(PG_FUNCTION_ARGS)
{
	char	   *name;
	char	   *value = NULL;

	if (PG_ARGISNULL(0))
		interact_null_error("name");
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (!PG_ARGISNULL(1))
		value = text_to_cstring(PG_GETARG_TEXT_PP(1));
	PG_RETURN_TEXT_P(cstring_to_text(store_setting(name, value)));
}

/*
 * Row trigger of interact_setting.  BEFORE INSERT OR UPDATE: refuses unknown
 * names and values out of range.  AFTER any change: tells every backend.
 */
Datum
interact_setting_trigger(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	HeapTuple	tuple;
	char	   *name;
	char	   *value;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) ||
		RelationGetRelid(trigdata->tg_relation) != interact_relid(REL_SETTING))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("interact_setting_trigger() must be a row trigger of interact_setting")));

	if (TRIGGER_FIRED_AFTER(trigdata->tg_event))
	{
		CacheInvalidateRelcache(trigdata->tg_relation);
		name = SPI_getvalue(trigdata->tg_trigtuple,
							RelationGetDescr(trigdata->tg_relation),
							Anum_setting_name);
		if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) && interact_restoring() &&
			strcmp(name, "trending_half_life") == 0)
			basetable_restored();
		return PointerGetDatum(NULL);
	}

	tuple = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ?
		trigdata->tg_newtuple : trigdata->tg_trigtuple;
	name = SPI_getvalue(tuple, RelationGetDescr(trigdata->tg_relation),
						Anum_setting_name);
	value = SPI_getvalue(tuple, RelationGetDescr(trigdata->tg_relation),
						 Anum_setting_value);
	if (name != NULL && value != NULL)
		(void) parse_setting(find_setting(name), value);
	return PointerGetDatum(tuple);
}
