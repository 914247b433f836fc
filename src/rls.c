/*-------------------------------------------------------------------------
 *
 * rls.c
 *	  Row-level security: policies by the setting interact.user_id.
 *
 * Two policies per table:
 *
 *	interact_own: the rows of the user in the setting, for every role.  With an
 *	empty setting there is no such row.
 *
 *	interact_all: all rows while the setting is empty, for the roles named.
 *
 * So a role that is not named sees nothing unless it says for whom, and a role
 * that is named restricts itself by setting it.
 *
 * PostgreSQL does not dump policies on tables that belong to an extension, and
 * a restored database without them would show everything to everybody.  So
 * what is wanted is kept in a table that is dumped, interact_rls, and a trigger
 * of it creates and drops the policies: also while a dump is restored.
 *
 * The derivation triggers do not care: they hear of all rows that a statement
 * changed, and look at base and derived tables without policies.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "catalog/pg_type.h"
#include "commands/policy.h"
#include "commands/trigger.h"
#include "lib/stringinfo.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* The user in the setting, NULL if it is empty or was never set. */
#define SESSION_USER_SQL \
	"NULLIF(pg_catalog.current_setting('interact.user_id', true), '')::pg_catalog.int8"

/* A table and which of its rows are the user's own. */
typedef struct PolicyTable
{
	const char *name;
	const char *own;			/* condition */
} PolicyTable;

#define OWN_USER_ID \
	"user_id OPERATOR(pg_catalog.=) " SESSION_USER_SQL

static const PolicyTable policy_tables[] = {
	{"interact_view", OWN_USER_ID},
	{"interact_favorite", OWN_USER_ID},
	{"interact_review", OWN_USER_ID},
	{"interact_reaction", OWN_USER_ID},
	{"interact_cart_item", OWN_USER_ID},
	{"interact_purchase", OWN_USER_ID},
	{"interact_event", OWN_USER_ID},
	{"interact_friend", OWN_USER_ID},
	/* keys of items are nobody's secret */
	{"interact_key", "kind OPERATOR(pg_catalog.=) 'item'"
	" OR id OPERATOR(pg_catalog.=) " SESSION_USER_SQL},
};

PG_FUNCTION_INFO_V1(interact_enable_rls);
PG_FUNCTION_INFO_V1(interact_disable_rls);
PG_FUNCTION_INFO_V1(interact_rls_trigger);


/* Drop the policy if the table has it; SPI is connected. */
static void
drop_policy(const char *policy, const char *table)
{
	Oid			relid = get_relname_relid(table, get_rel_namespace(interact_relid(REL_VIEW)));

	if (OidIsValid(get_relation_policy_oid(relid, policy, true)))
		interact_execute(psprintf("DROP POLICY %s ON %s.%s",
								  policy, interact_schema(), table));
}

/*
 * The names of roles in an array.  Without missing_ok, unknown ones are an
 * error (PUBLIC is not a role), else they are left out with a warning.  NULL
 * for none, or a list for CREATE POLICY.
 */
static const char *
role_list(ArrayType *array, bool missing_ok)
{
	Datum	   *names;
	int			nnames;
	StringInfoData list;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s must be a one-dimensional array", "unrestricted_roles")));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not contain null", "unrestricted_roles")));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT,
					  &names, NULL, &nnames);

	initStringInfo(&list);
	for (int i = 0; i < nnames; i++)
	{
		char	   *name = TextDatumGetCString(names[i]);

		if (OidIsValid(get_role_oid(name, missing_ok)))
			appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "",
							 quote_identifier(name));
		else
			ereport(WARNING,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("role \"%s\" does not exist", name),
					 errdetail("There is no policy that lets it see the rows of all users."),
					 errhint("Create the role and call interact_enable_rls() again.")));
	}
	return list.len > 0 ? list.data : NULL;
}

/*
 * Let the policies be those for these roles, or none if enable is false.
 *
 * NULLIF looks its operator up when the policy is created, and the policy is
 * applied to whoever reads the table: the caller's search path must not decide.
 */
static void
set_policies(bool enable, const char *roles)
{
	int			nest_level = NewGUCNestLevel();

	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	for (int i = 0; i < (int) lengthof(policy_tables); i++)
	{
		const PolicyTable *table = &policy_tables[i];

		/* while they are exchanged, no policy means no rows */
		if (!enable)
			interact_execute(psprintf("ALTER TABLE %s.%s DISABLE ROW LEVEL SECURITY",
									  interact_schema(), table->name));
		drop_policy("interact_own", table->name);
		drop_policy("interact_all", table->name);
		if (!enable)
			continue;

		interact_execute(psprintf("CREATE POLICY interact_own ON %s.%s USING (%s)",
								  interact_schema(), table->name, table->own));
		if (roles != NULL)
			interact_execute(psprintf("CREATE POLICY interact_all ON %s.%s TO %s USING (%s IS NULL)",
									  interact_schema(), table->name, roles,
									  SESSION_USER_SQL));
		interact_execute(psprintf("ALTER TABLE %s.%s ENABLE ROW LEVEL SECURITY",
								  interact_schema(), table->name));
	}
	AtEOXact_GUC(true, nest_level);
}

/*
 * interact_rls_trigger() -> trigger: AFTER any change of interact_rls, FOR EACH
 * STATEMENT.
 */
Datum
interact_rls_trigger(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	bool		enable;
	const char *roles = NULL;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("interact_rls_trigger() must be called as a trigger")));
	if (!TRIGGER_FIRED_AFTER(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_STATEMENT(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("interact_rls_trigger() must be fired AFTER ... FOR EACH STATEMENT")));

	SPI_connect();
	if (SPI_execute(psprintf("SELECT unrestricted_roles FROM %s.interact_rls",
							 interact_schema()), false, 1) != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute failed");
	enable = SPI_processed > 0;
	if (enable)
	{
		bool		isnull;
		Datum		array = SPI_getbinval(SPI_tuptable->vals[0],
										  SPI_tuptable->tupdesc, 1, &isnull);

		roles = role_list(DatumGetArrayTypeP(array), true);
	}
	set_policies(enable, roles);
	SPI_finish();
	return PointerGetDatum(NULL);
}

/* interact_enable_rls(unrestricted_roles) -> void */
Datum
interact_enable_rls(PG_FUNCTION_ARGS)
{
	static InteractPlan update_plan;
	static InteractPlan insert_plan;
	Oid			argtypes[] = {TEXTARRAYOID};
	Datum		values[1];

	if (PG_ARGISNULL(0))
		interact_null_error("unrestricted_roles");
	(void) role_list(PG_GETARG_ARRAYTYPE_P(0), false);
	interact_check_owner();

	values[0] = PG_GETARG_DATUM(0);
	if (record_run(&update_plan,
				   "UPDATE %s.interact_rls SET unrestricted_roles = $1",
				   SPI_OK_UPDATE, lengthof(argtypes), argtypes, values, NULL) == 0)
		(void) record_run(&insert_plan,
						  "INSERT INTO %s.interact_rls (unrestricted_roles) VALUES ($1)",
						  SPI_OK_INSERT, lengthof(argtypes), argtypes, values, NULL);
	PG_RETURN_VOID();
}

/* interact_disable_rls() -> void */
Datum
interact_disable_rls(PG_FUNCTION_ARGS)
{
	static InteractPlan plan;

	interact_check_owner();
	(void) record_run(&plan, "DELETE FROM %s.interact_rls",
					  SPI_OK_DELETE, 0, NULL, NULL, NULL);
	PG_RETURN_VOID();
}
