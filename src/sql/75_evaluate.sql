-- Evaluating and tuning: how good answers are on the live data.

-- STABLE although ms_per_call is measured: all else depends on the data alone.
CREATE FUNCTION @extschema@.interact_evaluate(
    users      integer DEFAULT 1000,
    max_items  integer DEFAULT 20,
    events     text[] DEFAULT NULL,
    since      interval DEFAULT NULL,
    seed       bigint DEFAULT 1,
    settings   jsonb DEFAULT NULL)
RETURNS TABLE (
    strategy           text,
    evaluated          integer,
    hit_rate           double precision,
    mrr                double precision,
    ndcg               double precision,
    coverage           bigint,
    median_popularity  double precision,
    ms_per_call        double precision)
LANGUAGE C STABLE PARALLEL SAFE ROWS 4 COST 1000000
AS 'MODULE_PATHNAME', 'interact_evaluate';
REVOKE ALL ON FUNCTION @extschema@.interact_evaluate(integer, integer, text[], interval, bigint, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_evaluate(integer, integer, text[], interval, bigint, jsonb) IS
'How often answers bring back what users did last (leave-last-out on the live data, under one snapshot). Of each user in a random sample the items of the latest moment are hidden, with everything later; each strategy is asked for that user; one row says how well it did. Changes nothing and runs on a standby.
users: size of the sample, 1 to 10000, default 1000; of at most 100 times as many users, those with the smallest hashint8extended(user_id, seed) that have something to hide and something positive left. max_items: length of the answers, 1 to 1000, default 20. events: only pairs that hold one of these event types may be hidden and count; null (default): all of positive weight. since: only what is at most so old may be hidden, positive, at most 100 years; null (default): anything. seed: another one draws another sample, default 1. settings: evaluate these instead of the settings in force, a JSON object like {"window_rows": 40}; nothing is stored.
Returns strategy: recommend (recommend()), similar (interact_similar_items() of the last item left), trending, popular, all without items the user has; evaluated: users in the sample, fewer than asked when the data has no more; hit_rate: share of users of whom a hidden item came back; mrr: mean of 1/rank of the first one, 0 if none did; ndcg: mean of DCG by the best possible DCG, DCG being the sum of 1/log2(rank+1) over the hidden items that came back; coverage: number of different items shown to all users together; median_popularity: median number of users of the items shown; ms_per_call: mean time of a call in milliseconds. Without any user the numbers are null.
The user is nobody''s neighbour, and popularity does not count what is hidden. What other users did since counts for all strategies alike.
Errors: a null or out of range number, unknown event or setting, empty events, since not positive or too long.
Method: NDCG of Jarvelin and Kekalainen (2002) with binary relevance.';

CREATE FUNCTION @extschema@.interact_tune(
    seconds    integer DEFAULT 60,
    apply      boolean DEFAULT false,
    users      integer DEFAULT 500,
    max_items  integer DEFAULT 20,
    events     text[] DEFAULT NULL,
    since      interval DEFAULT NULL,
    seed       bigint DEFAULT 1,
    max_steps  integer DEFAULT 100)
RETURNS TABLE (
    candidate       text,
    settings        jsonb,
    evaluated       integer,
    hit_rate        double precision,
    mrr             double precision,
    ndcg            double precision,
    gain            double precision,
    ms_per_call     double precision,
    confirmed_ndcg  double precision,
    confirmed_gain  double precision,
    result          text)
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 30 COST 10000000
AS 'MODULE_PATHNAME', 'interact_tune';
REVOKE ALL ON FUNCTION @extschema@.interact_tune(integer, boolean, integer, integer, text[], interval, bigint, integer) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_tune(integer, boolean, integer, integer, text[], interval, bigint, integer) IS
'Looks for settings of recommend() that suit the data better, by what interact_evaluate() measures: tries the settings in force, presets, and then steps from the best of them along one setting at a time. The best is compared with the settings in force on a second sample of other users. One row per candidate, in the order they were tried. Runs on a standby, but for apply.
seconds: about how long it may take, 1 to 86400, default 60. apply: whether the best settings are stored, as by interact_set(), if they are confirmed; default false. users: size of each of the two samples, 1 to 10000, default 500. max_items, events, since, seed: as of interact_evaluate(). max_steps: how many steps may be tried, 0 to 1000, default 100; 0 tries the presets only.
Returns candidate: in force, the name of a preset, or the step from the best so far; settings: what it changes, as the settings of interact_evaluate(); evaluated: users in the first sample; hit_rate, mrr, ndcg, ms_per_call: as interact_evaluate() says of recommend(); gain: ndcg against the settings in force, 0.1 = 10 % better; confirmed_ndcg, confirmed_gain: the same on the second sample, of the settings in force and the best; result: in force, tried, and of the best not confirmed, confirmed or stored.
Confirmed is what is better by at least 3 % on the second sample and by more than the standard error of the difference. Settings that bound the cost, diversity, friends_weight and what is not of recommend() stay as they are.
Errors: a null or out of range argument, as of interact_evaluate(); apply in a read-only transaction or on a standby.';
