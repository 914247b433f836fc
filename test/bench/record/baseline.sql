-- What recording is measured against, in the same database.
--
-- bare_view   a table with the columns and indexes of interact_view, without its
--             CHECK and with no triggers
-- usual_view  the same with the usual counter: a row-level trigger that adds
--             to one row per item

CREATE TABLE bare_view (LIKE interact_view
    INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING INDEXES);

CREATE TABLE usual_view (LIKE bare_view
    INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING INDEXES);
CREATE TABLE usual_counter (
    item_id     bigint PRIMARY KEY,
    count       bigint NOT NULL
);
CREATE FUNCTION usual_count() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO usual_counter AS c (item_id, count) VALUES (NEW.item_id, 1)
    ON CONFLICT (item_id) DO UPDATE SET count = c.count + 1;
    RETURN NULL;
END
$$;
CREATE TRIGGER usual_count AFTER INSERT ON usual_view
    FOR EACH ROW EXECUTE FUNCTION usual_count();
