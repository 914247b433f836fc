"""psycopg (3): parameters bound by the server, prepared statements, COPY."""

import datetime
import os

import psycopg

from check import is_, ok

conn = psycopg.connect(host=os.environ["PGHOST"], user=os.environ["PGUSER"],
                       dbname=os.environ["PGDATABASE"])
with conn.transaction(), conn.cursor() as cur:
    cur.execute("SELECT interact_record_view(%s, %s)", (4001, 31))
    is_(cur.fetchone(), (True,), "records a view")
    cur.execute("SELECT interact_record_view(%(user)s, %(item)s, dedup => %(dedup)s)",
                {"user": 4001, "item": 31, "dedup": datetime.timedelta(hours=1)})
    is_(cur.fetchone(), (False,), "named arguments and an interval")
    cur.execute("SELECT interact_record_views(%s, %s)", ([4001, 4002, 4002], [32, 31, 32]))
    is_(cur.fetchone(), (3,), "arrays")
    with cur.copy("COPY interact_view (user_id, item_id, viewed_at) FROM STDIN") as copy:
        for item in (33, 34):
            copy.write_row((4002, item, datetime.datetime.now(datetime.timezone.utc)))
    cur.executemany("INSERT INTO interact_favorite (user_id, item_id) VALUES (%s, %s)",
                    [(4001, 31), (4001, 32), (4002, 33)])
    cur.execute("UPDATE interact_favorite SET list = %s WHERE user_id = %s", ("wishlist", 4001))
    is_(cur.rowcount, 2, "UPDATE")
    cur.execute("DELETE FROM interact_favorite WHERE item_id = %s RETURNING list", (32,))
    is_(cur.fetchall(), [("wishlist",)], "DELETE ... RETURNING")

with conn.cursor() as cur:
    for _ in range(7):
        # prepared from the sixth on, then with a plan for any user
        cur.execute("SELECT item_id FROM recommend(%s, max_items => %s)", (4001, 10))
        items = {row[0] for row in cur}
    ok({33, 34} <= items, "recommends what a similar user has, prepared as well")
    cur.execute("SELECT views, favorites FROM interact_item_stats WHERE item_id = ANY(%s) ORDER BY item_id",
                ([31, 33],))
    is_(cur.fetchall(), [(2, 1), (1, 1)], "numbers of items")
    cur.execute("SELECT sum(events) FROM interact_activity(time_zone => %s, event => %s)",
                ("Europe/Berlin", "view"))
    ok(cur.fetchone()[0] >= 6, "activity in a time zone")
conn.rollback()

with conn.cursor() as cur:
    cur.execute("SELECT interact_record_view(4003, 31)")
conn.rollback()
try:
    with conn.cursor() as cur:
        cur.execute("SELECT interact_submit_review(%s, %s, %s)", (4001, 31, 9))
    ok(False, "a rating out of range is an error")
except psycopg.errors.InvalidParameterValue as error:
    ok("rating" in str(error), "a rating out of range is an error")
conn.rollback()
with conn.cursor() as cur:
    cur.execute("SELECT count(*) FROM interact_view WHERE user_id = 4003")
    is_(cur.fetchone(), (0,), "rolled back")
conn.close()
