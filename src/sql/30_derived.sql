-- Derived tables: never the only copy, never dumped, written only by the
-- triggers and by interact_rebuild()/interact_compact().
--
-- Several rows of one key ("fragments") add up; see src/accumulate.c.

CREATE TABLE @extschema@.interact_affinity (
    user_id     bigint NOT NULL,
    item_id     bigint NOT NULL,
    id          bigint NOT NULL,
    last_at     timestamptz NOT NULL,
    signals     integer NOT NULL,
    rating      smallint NOT NULL,
    user_items  smallint NOT NULL,
    -- Rows of all users and items come in turn, so that pages of the indexes
    -- are two thirds full in the long run.  Built fuller, all of them would
    -- split soon afterwards and be half empty.
    PRIMARY KEY (user_id, item_id, id) WITH (fillfactor = 70)
) WITH (
    -- Every change moves last_at, which two indexes hold, so no update is HOT
    -- and free space on the page would only make the table longer.
    fillfactor = 100,
    -- recommend() reads the two indexes alone where the page is all-visible.
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.2
);
CREATE INDEX interact_affinity_user ON @extschema@.interact_affinity
    (user_id, last_at DESC, item_id) INCLUDE (signals, rating, user_items)
    WITH (fillfactor = 70);
CREATE INDEX interact_affinity_item ON @extschema@.interact_affinity
    (item_id, last_at DESC, user_id) INCLUDE (signals, rating, user_items)
    WITH (fillfactor = 70);
COMMENT ON TABLE @extschema@.interact_affinity IS
'Derived: what a user thinks of an item. One row per pair in the normal case; several add up.';
COMMENT ON COLUMN @extschema@.interact_affinity.user_id IS 'The user.';
COMMENT ON COLUMN @extschema@.interact_affinity.item_id IS 'The item.';
COMMENT ON COLUMN @extschema@.interact_affinity.id IS 'Tells rows of one pair apart; later rows have larger ids.';
COMMENT ON COLUMN @extschema@.interact_affinity.last_at IS 'Time of the latest base row of the pair; infinity while it is unsettled.';
COMMENT ON COLUMN @extschema@.interact_affinity.signals IS
'Events that hold for the pair: bit n is the event type with id n. Negative: the pair is unsettled, see interact_audit_pair.';
COMMENT ON COLUMN @extschema@.interact_affinity.rating IS 'The user''s rating of the item, 0 if none.';
COMMENT ON COLUMN @extschema@.interact_affinity.user_items IS
'How many items the user had when the row was written; approximate, at most 32767.';

CREATE TABLE @extschema@.interact_counter (
    item_id     bigint NOT NULL,
    id          bigint NOT NULL,
    count       bigint NOT NULL,
    users       bigint NOT NULL,
    units       bigint NOT NULL,
    hot         double precision NOT NULL,
    hot_level   integer NOT NULL,
    count_level smallint NOT NULL,
    event       smallint NOT NULL,
    total       numeric NOT NULL,
    rating_level smallint NOT NULL DEFAULT 51,
    PRIMARY KEY (item_id, event, id)
) WITH (
    -- Half a page of room lets an update stay on its page (HOT) until the
    -- page is pruned, also while a snapshot holds the last few versions.
    fillfactor = 50,
    -- HOT chains are pruned by the writers themselves; vacuum only has to
    -- collect what changes of level and folded fragments leave behind.
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_analyze_scale_factor = 0.2
);
CREATE INDEX interact_counter_count ON @extschema@.interact_counter (event, count_level DESC, item_id);
CREATE INDEX interact_counter_hot ON @extschema@.interact_counter (event, hot_level DESC, item_id);
CREATE INDEX interact_counter_rating ON @extschema@.interact_counter (rating_level DESC, count_level DESC, item_id)
    WHERE event OPERATOR(pg_catalog.=) 4;
COMMENT ON TABLE @extschema@.interact_counter IS
'Derived: how often and by how many users an event happened to an item. Rows of one key add up.';
COMMENT ON COLUMN @extschema@.interact_counter.item_id IS 'The item.';
COMMENT ON COLUMN @extschema@.interact_counter.id IS 'Tells rows of one key apart; later rows have larger ids.';
COMMENT ON COLUMN @extschema@.interact_counter.count IS 'Base rows.';
COMMENT ON COLUMN @extschema@.interact_counter.users IS 'Rows of interact_affinity that hold the event: distinct users.';
COMMENT ON COLUMN @extschema@.interact_counter.units IS 'Sum of quantity (cart, purchase), else 0.';
COMMENT ON COLUMN @extschema@.interact_counter.hot IS
'log2 of the sum over base rows of 2^((time - 2000-01-01 UTC) / trending_half_life).';
COMMENT ON COLUMN @extschema@.interact_counter.hot_level IS
'The key''s hot, quantised, as the last writer of the row saw it: orders the trending index.';
COMMENT ON COLUMN @extschema@.interact_counter.count_level IS
'The key''s count, quantised, as the last writer of the row saw it: orders the popularity index.';
COMMENT ON COLUMN @extschema@.interact_counter.event IS 'Id of the event type.';
COMMENT ON COLUMN @extschema@.interact_counter.total IS
'Sum of values: revenue (purchase), rating points (rating), value (custom events), else 0.';
COMMENT ON COLUMN @extschema@.interact_counter.rating_level IS
'Event rating: ten times the mean rating, rounded up, 51 if it is not known; orders the index of top rated items. Else 0.';

-- The sums over all items of event rating, from which interact_top_rated() has
-- its prior. One key, which every rating adds to: a small page full of room.
CREATE TABLE @extschema@.interact_catalogue (
    item_id     bigint NOT NULL,
    id          bigint NOT NULL,
    count       bigint NOT NULL,
    users       bigint NOT NULL,
    units       bigint NOT NULL,
    hot         double precision NOT NULL,
    hot_level   integer NOT NULL,
    count_level smallint NOT NULL,
    event       smallint NOT NULL,
    total       numeric NOT NULL,
    rating_level smallint NOT NULL DEFAULT 0,
    PRIMARY KEY (item_id, event, id)
) WITH (
    fillfactor = 10,
    autovacuum_vacuum_threshold = 1000
);
COMMENT ON TABLE @extschema@.interact_catalogue IS
'Derived: sums over all items of event rating, in the shape of interact_counter. Rows add up.';
COMMENT ON COLUMN @extschema@.interact_catalogue.item_id IS '0.';
COMMENT ON COLUMN @extschema@.interact_catalogue.id IS 'Tells rows apart; later rows have larger ids.';
COMMENT ON COLUMN @extschema@.interact_catalogue.count IS 'Ratings.';
COMMENT ON COLUMN @extschema@.interact_catalogue.users IS 'Rows of interact_counter that hold them: rated items.';
COMMENT ON COLUMN @extschema@.interact_catalogue.units IS '0.';
COMMENT ON COLUMN @extschema@.interact_catalogue.hot IS 'Not used.';
COMMENT ON COLUMN @extschema@.interact_catalogue.hot_level IS 'Not used.';
COMMENT ON COLUMN @extschema@.interact_catalogue.count_level IS 'Not used.';
COMMENT ON COLUMN @extschema@.interact_catalogue.event IS '4, the id of event rating.';
COMMENT ON COLUMN @extschema@.interact_catalogue.total IS 'Sum of the ratings.';
COMMENT ON COLUMN @extschema@.interact_catalogue.rating_level IS 'Not used.';

