/*-------------------------------------------------------------------------
 *
 * privilege.c
 *	  interact_grant() and interact_revoke(): what a role may do, in three
 *	  words instead of a GRANT per object.
 *
 * Nothing of the extension is granted to PUBLIC.  A capability is a set of
 * ordinary privileges, written down once in the tables below:
 *
 *	read	ask for recommendations, popularity, lists and analytics
 *	write	record, with the functions or with plain DML on the base tables
 *	admin	define events, tune, check and rebuild
 *
 * Every function belongs to exactly one capability, except trigger functions,
 * which nobody has to call, and those that check the arguments of functions in
 * SQL, which belong to all.  Tables may belong to several, with different
 * privileges in each.  No capability writes a derived table: only the
 * triggers do.
 *
 * The functions here only put GRANT and REVOKE statements together; these
 * run with the privileges of the caller and do what they always do.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

typedef enum Capability
{
	CAP_READ,
	CAP_WRITE,
	CAP_ADMIN,
	NUM_CAPABILITIES,
	CAP_ALL = NUM_CAPABILITIES	/* of a function: all of them include it */
} Capability;

static const char *const capability_names[NUM_CAPABILITIES] = {
	[CAP_READ] = "read",
	[CAP_WRITE] = "write",
	[CAP_ADMIN] = "admin",
};

/* A function, with all its overloads, and the capability to execute it. */
typedef struct FunctionGrant
{
	const char *name;
	Capability	capability;
} FunctionGrant;

static const FunctionGrant function_grants[] = {
	{"interact_arg_user", CAP_ALL},
	{"interact_arg_id", CAP_ALL},
	{"interact_arg_max_items", CAP_ALL},

	{"recommend", CAP_READ},
	{"recommend_for_items", CAP_READ},
	{"interact_rank", CAP_READ},
	{"interact_similar_items", CAP_READ},
	{"interact_bought_together", CAP_READ},
	{"interact_buy_again", CAP_READ},
	{"interact_popular", CAP_READ},
	{"interact_trending", CAP_READ},
	{"interact_activity", CAP_READ},
	{"interact_item_activity", CAP_READ},
	{"interact_active_users", CAP_READ},
	{"interact_retention", CAP_READ},
	{"interact_funnel", CAP_READ},
	{"interact_abandoned_carts", CAP_READ},
	{"interact_favorites", CAP_READ},
	{"interact_favorite_lists", CAP_READ},
	{"interact_is_favorite", CAP_READ},
	{"interact_recently_viewed", CAP_READ},
	{"interact_cart", CAP_READ},
	{"interact_purchases", CAP_READ},
	{"interact_reviews", CAP_READ},
	{"interact_user_reviews", CAP_READ},
	{"interact_reactions", CAP_READ},
	{"interact_history", CAP_READ},
	{"interact_friends", CAP_READ},
	{"interact_followers", CAP_READ},
	{"interact_friends_liked", CAP_READ},
	{"interact_friends_feed", CAP_READ},
	{"interact_people_you_may_know", CAP_READ},
	{"interact_top_rated", CAP_READ},
	{"interact_item_rating_histogram", CAP_READ},
	{"interact_reaction_counts", CAP_READ},
	{"interact_item_last_at", CAP_READ},

	{"interact_find_user_id", CAP_READ},
	{"interact_find_item_id", CAP_READ},
	{"interact_find_user_ids", CAP_READ},
	{"interact_find_item_ids", CAP_READ},
	{"interact_user_key", CAP_READ},
	{"interact_item_key", CAP_READ},
	{"interact_user_keys", CAP_READ},
	{"interact_item_keys", CAP_READ},
	{"interact_export_user", CAP_READ},

	{"interact_user_id", CAP_WRITE},
	{"interact_item_id", CAP_WRITE},
	{"interact_user_ids", CAP_WRITE},
	{"interact_item_ids", CAP_WRITE},
	{"interact_merge_users", CAP_WRITE},
	{"interact_record", CAP_WRITE},
	{"interact_record_view", CAP_WRITE},
	{"interact_record_views", CAP_WRITE},
	{"interact_add_favorite", CAP_WRITE},
	{"interact_remove_favorite", CAP_WRITE},
	{"interact_toggle_favorite", CAP_WRITE},
	{"interact_move_favorite", CAP_WRITE},
	{"interact_clear_favorites", CAP_WRITE},
	{"interact_submit_review", CAP_WRITE},
	{"interact_delete_review", CAP_WRITE},
	{"interact_react", CAP_WRITE},
	{"interact_unreact", CAP_WRITE},
	{"interact_add_to_cart", CAP_WRITE},
	{"interact_set_cart_quantity", CAP_WRITE},
	{"interact_remove_from_cart", CAP_WRITE},
	{"interact_clear_cart", CAP_WRITE},
	{"interact_checkout", CAP_WRITE},
	{"interact_record_purchase", CAP_WRITE},
	{"interact_record_purchases", CAP_WRITE},
	{"interact_add_friend", CAP_WRITE},
	{"interact_remove_friend", CAP_WRITE},

	{"interact_forget_user", CAP_ADMIN},
	{"interact_forget_item", CAP_ADMIN},
	{"interact_follow_deletes", CAP_ADMIN},
	{"interact_unfollow_deletes", CAP_ADMIN},
	/* who creates the triggers of interact_follow_deletes() needs it */
	{"interact_forget_deleted", CAP_ADMIN},
	{"interact_enable_rls", CAP_ADMIN},
	{"interact_disable_rls", CAP_ADMIN},
	/* tells who is like whom */
	{"interact_similar_users", CAP_ADMIN},
	{"interact_check", CAP_ADMIN},
	{"interact_rebuild", CAP_ADMIN},
	{"interact_compact", CAP_ADMIN},
	{"interact_prune_views", CAP_ADMIN},
	{"interact_status", CAP_ADMIN},
	{"interact_define_event", CAP_ADMIN},
	{"interact_set", CAP_ADMIN},
	{"interact_settings", CAP_ADMIN},
	{"interact_evaluate", CAP_ADMIN},
	{"interact_tune", CAP_ADMIN},
	/* the audit views call these with the rights of who reads the views */
	{"interact_hot_accum", CAP_ADMIN},
	{"interact_hot_combine", CAP_ADMIN},
	{"interact_hot_sum", CAP_ADMIN},
	{"interact_log2_sum", CAP_ADMIN},
	{"interact_grant", CAP_ADMIN},
	{"interact_revoke", CAP_ADMIN},
};

/* A table, view or sequence and its privileges in each capability. */
typedef struct RelationGrant
{
	const char *name;
	AclMode		privileges[NUM_CAPABILITIES];	/* read, write, admin */
} RelationGrant;

#define SEL		ACL_SELECT
#define DML		(ACL_SELECT | ACL_INSERT | ACL_UPDATE | ACL_DELETE)
#define INS		(ACL_SELECT | ACL_INSERT)
#define DEL		(ACL_SELECT | ACL_DELETE)	/* forget, prune */
#define SEQ		ACL_USAGE		/* of a sequence: nextval() and currval() */

static const RelationGrant relation_grants[] = {
	{"interact_view", {SEL, DML, DEL}},
	{"interact_favorite", {SEL, DML, DEL}},
	{"interact_review", {SEL, DML, DEL}},
	{"interact_reaction", {SEL, DML, DEL}},
	{"interact_cart_item", {SEL, DML, DEL}},
	{"interact_purchase", {SEL, DML, DEL}},
	{"interact_event", {SEL, DML, DEL}},
	{"interact_friend", {SEL, DML, DEL}},

	/* an identity column needs none of these, but some ORMs call nextval() */
	{"interact_view_id_seq", {0, SEQ, 0}},
	{"interact_favorite_id_seq", {0, SEQ, 0}},
	{"interact_review_id_seq", {0, SEQ, 0}},
	{"interact_reaction_id_seq", {0, SEQ, 0}},
	{"interact_cart_item_id_seq", {0, SEQ, 0}},
	{"interact_purchase_id_seq", {0, SEQ, 0}},
	{"interact_event_id_seq", {0, SEQ, 0}},
	{"interact_friend_id_seq", {0, SEQ, 0}},

	{"interact_key", {SEL, INS, DEL}},
	{"interact_event_type", {SEL, 0, DML}},
	{"interact_setting", {0, 0, DML}},
	{"interact_pruned", {SEL, 0, DML}},
	{"interact_pruned_id_seq", {0, 0, SEQ}},

	{"interact_affinity", {0, 0, SEL}},
	{"interact_counter", {0, 0, SEL}},
	{"interact_catalogue", {0, 0, SEL}},
	{"interact_item_stats", {SEL, 0, 0}},
	{"interact_item_event_stats", {SEL, 0, 0}},
	{"interact_user_stats", {SEL, 0, 0}},
	{"interact_fact", {SEL, 0, 0}},
	{"interact_audit_pair", {0, 0, SEL}},
	{"interact_audit_counter", {0, 0, SEL}},
	{"interact_audit_catalogue", {0, 0, SEL}},
};

#undef SEL
#undef DML
#undef INS
#undef DEL
#undef SEQ

PG_FUNCTION_INFO_V1(interact_grant);
PG_FUNCTION_INFO_V1(interact_revoke);


/*
 * The role argument: a name, which must exist; *roleid is set.  PUBLIC is not
 * a role.
 */
static char *
arg_role(FunctionCallInfo fcinfo, int n, Oid *roleid)
{
	char	   *name;

	if (PG_ARGISNULL(n))
		interact_null_error("role");
	name = text_to_cstring(PG_GETARG_TEXT_PP(n));
	*roleid = get_role_oid(name, false);
	return name;
}

/*
 * The capability argument.
 */
static Capability
arg_capability(FunctionCallInfo fcinfo, int n)
{
	char	   *name;

	if (PG_ARGISNULL(n))
		interact_null_error("capability");
	name = text_to_cstring(PG_GETARG_TEXT_PP(n));
	for (int cap = 0; cap < NUM_CAPABILITIES; cap++)
	{
		if (strcmp(name, capability_names[cap]) == 0)
			return (Capability) cap;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown capability \"%s\"", name),
			 errhint("Capabilities are read, write and admin.")));
}

/*
 * Raises an error unless the current user owns the extension's objects.
 * GRANT by somebody else would be no error but a warning and no effect.
 */
void
interact_check_owner(void)
{
	HeapTuple	tuple;
	Oid			owner;

	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(interact_relid(REL_VIEW)));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u",
			 interact_relid(REL_VIEW));
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);

	if (!has_privs_of_role(GetUserId(), owner))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_EXTENSION, "interact");
}

/*
 * Appends the OIDs of all the extension's functions called name to the list.
 */
static List *
append_functions(List *functions, const char *name)
{
	Oid			schema = get_rel_namespace(interact_relid(REL_VIEW));
	Oid			extension = get_extension_oid("interact", false);
	CatCList   *catlist;
	bool		found = false;

	catlist = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	for (int i = 0; i < catlist->n_members; i++)
	{
		HeapTuple	tuple = &catlist->members[i]->tuple;
		Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(tuple);

		/* the schema may hold functions of others by the same name */
		if (proc->pronamespace != schema ||
			getExtensionOfObject(ProcedureRelationId, proc->oid) != extension)
			continue;

		functions = lappend_oid(functions, proc->oid);
		found = true;
	}
	ReleaseSysCacheList(catlist);

	if (!found)
		elog(ERROR, "function %s of extension interact does not exist", name);
	return functions;
}

/*
 * The OIDs of the functions of a capability, CAP_ALL: of those all include.
 */
static List *
capability_functions(Capability cap)
{
	List	   *functions = NIL;

	for (int i = 0; i < (int) lengthof(function_grants); i++)
	{
		if (function_grants[i].capability == cap)
			functions = append_functions(functions, function_grants[i].name);
	}
	return functions;
}

/*
 * The functions' names and argument types as a list for GRANT.
 */
static const char *
function_list(List *functions)
{
	StringInfoData list;
	ListCell   *lc;

	initStringInfo(&list);
	foreach(lc, functions)
		appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "",
						 format_procedure_qualified(lfirst_oid(lc)));
	return list.data;
}

/*
 * The privileges as a list for GRANT.
 */
static const char *
privilege_list(AclMode privileges)
{
	static const struct
	{
		AclMode		privilege;
		const char *name;
	}			names[] =
	{
		{ACL_SELECT, "SELECT"},
		{ACL_INSERT, "INSERT"},
		{ACL_UPDATE, "UPDATE"},
		{ACL_DELETE, "DELETE"},
		{ACL_USAGE, "USAGE"},
	};
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < (int) lengthof(names); i++)
	{
		if (privileges & names[i].privilege)
			appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "",
							 names[i].name);
	}
	return list.data;
}

/*
 * Grants EXECUTE on the functions to the role, or revokes it; to be called
 * while SPI is connected.
 */
static void
change_functions(bool grant, List *functions, const char *role)
{
	interact_execute(psprintf("%s EXECUTE ON ROUTINE %s %s %s",
							  grant ? "GRANT" : "REVOKE", function_list(functions),
							  grant ? "TO" : "FROM", quote_identifier(role)));
}

/*
 * Grants the privileges on a relation of the extension to the role, or
 * revokes them.
 */
static void
change_relation(bool grant, const char *name, AclMode privileges,
				const char *role)
{
	interact_execute(psprintf("%s %s ON %s %s.%s %s %s",
							  grant ? "GRANT" : "REVOKE",
							  privilege_list(privileges),
							  privileges & ACL_USAGE ? "SEQUENCE" : "TABLE",
							  interact_schema(), quote_identifier(name),
							  grant ? "TO" : "FROM", quote_identifier(role)));
}

/*
 * Was EXECUTE on any of the functions granted to this role itself, not to
 * PUBLIC or to a role it is a member of?  To be called while SPI is
 * connected.
 */
static bool
has_direct_execute(Oid roleid, List *functions)
{
	StringInfoData query;
	ListCell   *lc;

	initStringInfo(&query);
	appendStringInfo(&query,
					 "SELECT FROM pg_catalog.pg_proc p, "
					 "pg_catalog.aclexplode(p.proacl) a "
					 "WHERE a.grantee OPERATOR(pg_catalog.=) %u "
					 "AND p.oid OPERATOR(pg_catalog.=) ANY ('{", roleid);
	foreach(lc, functions)
		appendStringInfo(&query, "%s%u", lc == list_head(functions) ? "" : ",",
						 lfirst_oid(lc));
	appendStringInfoString(&query, "}'::pg_catalog.oid[])");

	if (SPI_execute(query.data, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute failed: %s", query.data);
	return SPI_processed > 0;
}

/*
 * interact_grant(role, capability) returns void
 *
 * Gives the role a capability.
 */
Datum
interact_grant(PG_FUNCTION_ARGS)
{
	Oid			roleid;
	char	   *role = arg_role(fcinfo, 0, &roleid);
	Capability	cap = arg_capability(fcinfo, 1);

	interact_check_owner();

	SPI_connect();
	interact_execute(psprintf("GRANT USAGE ON SCHEMA %s TO %s",
							  interact_schema(), quote_identifier(role)));
	change_functions(true, capability_functions(cap), role);
	change_functions(true, capability_functions(CAP_ALL), role);
	for (int i = 0; i < (int) lengthof(relation_grants); i++)
	{
		const RelationGrant *rel = &relation_grants[i];

		if (rel->privileges[cap] != 0)
			change_relation(true, rel->name, rel->privileges[cap], role);
	}
	SPI_finish();

	PG_RETURN_VOID();
}

/*
 * interact_revoke(role, capability) returns void
 *
 * Takes a capability from the role.  Privileges that another capability of
 * the role includes stay, and so does USAGE on the schema, which may hold
 * more than this extension.
 */
Datum
interact_revoke(PG_FUNCTION_ARGS)
{
	Oid			roleid;
	char	   *role = arg_role(fcinfo, 0, &roleid);
	Capability	cap = arg_capability(fcinfo, 1);
	AclMode		kept[lengthof(relation_grants)] = {0};
	bool		last = true;

	interact_check_owner();

	SPI_connect();
	for (int i = 0; i < NUM_CAPABILITIES; i++)
	{
		if (i == (int) cap ||
			!has_direct_execute(roleid, capability_functions((Capability) i)))
			continue;
		last = false;
		for (int r = 0; r < (int) lengthof(relation_grants); r++)
			kept[r] |= relation_grants[r].privileges[i];
	}

	change_functions(false, capability_functions(cap), role);
	if (last)
		change_functions(false, capability_functions(CAP_ALL), role);
	for (int i = 0; i < (int) lengthof(relation_grants); i++)
	{
		const RelationGrant *rel = &relation_grants[i];
		AclMode		privileges = rel->privileges[cap] & ~kept[i];

		if (privileges != 0)
			change_relation(false, rel->name, privileges, role);
	}
	SPI_finish();

	PG_RETURN_VOID();
}
