-- Files of views for COPY: user, item, time within the last 30 days.
--   :uniform  :rows views of random items
--   :part     a fifth as many, of random items
--   :hot      a fifth as many, all of item 1

\set part_rows :rows ' / 5'
SELECT setseed(0.5);
COPY (SELECT 1 + floor(random() * :users)::bigint, 1 + floor(random() * :items)::bigint,
             now() - random() * interval '30 days'
        FROM generate_series(1, :rows)) TO :'uniform';
COPY (SELECT 1 + floor(random() * :users)::bigint, 1 + floor(random() * :items)::bigint,
             now() - random() * interval '30 days'
        FROM generate_series(1, :part_rows)) TO :'part';
COPY (SELECT 1 + floor(random() * :users)::bigint, 1,
             now() - random() * interval '30 days'
        FROM generate_series(1, :part_rows)) TO :'hot';
