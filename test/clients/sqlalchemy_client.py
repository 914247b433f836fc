"""SQLAlchemy: reflected tables, the unit of work, functions as columns."""

import os

from sqlalchemy import Column, BigInteger, MetaData, Table, create_engine, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, declarative_base

from check import is_, ok

engine = create_engine("postgresql+psycopg2://", connect_args={
    "host": os.environ["PGHOST"], "user": os.environ["PGUSER"],
    "dbname": os.environ["PGDATABASE"]}, future=True)

Base = declarative_base()


# Columns, defaults and keys as the database tells them
class View(Base):
    __table__ = Table("interact_view", Base.metadata, autoload_with=engine)


class Favorite(Base):
    __table__ = Table("interact_favorite", Base.metadata, autoload_with=engine)


class Review(Base):
    __table__ = Table("interact_review", Base.metadata, autoload_with=engine)


is_([c.name for c in View.__table__.primary_key], ["id"], "a key is reflected")

with Session(engine, future=True) as session:
    view = View(user_id=5001, item_id=41, context={"from": "sqlalchemy"})
    session.add(view)
    session.add_all([View(user_id=u, item_id=i) for u, i in
                     ((5001, 42), (5002, 41), (5002, 42), (5002, 43))])
    favorite = Favorite(user_id=5001, item_id=41)
    session.add_all([favorite, Favorite(user_id=5001, item_id=42)])
    review = Review(user_id=5002, item_id=41, rating=1)
    session.add(review)
    session.commit()
    ok(view.id > 0 and view.viewed_at is not None, "ids and defaults come back")
    is_(favorite.list, "favorites", "the default of a list comes back")

    review.rating = 5
    review.comment = "good"
    favorite.list = "wishlist"
    session.delete(session.scalars(select(Favorite).where(Favorite.item_id == 42)).one())
    session.commit()

    session.add(View(user_id=5003, item_id=41))
    session.flush()
    session.rollback()
    is_(session.scalar(select(func.count()).select_from(View).where(View.user_id == 5003)), 0, "rolled back")

    statement = insert(Favorite).values(user_id=5001, item_id=41, list="wishlist")
    is_(session.execute(statement.on_conflict_do_nothing()).rowcount, 0, "ON CONFLICT DO NOTHING")
    session.commit()

    stats = Table("interact_item_stats", MetaData(), Column("item_id", BigInteger, primary_key=True),
                  autoload_with=engine)
    is_(tuple(session.execute(select(stats.c.views, stats.c.favorites, stats.c.ratings)
                              .where(stats.c.item_id == 41)).one()),
        (2, 1, 1), "numbers of an item")
    recommended = func.recommend(5001, 5).table_valued("item_id", "score", "reason")
    rows = session.execute(select(recommended.c.item_id, recommended.c.reason)).all()
    ok((43, "similar_users") in [tuple(r) for r in rows], "recommends what a similar user has")
    funnel = func.interact_funnel(["view", "purchase"]).table_valued("step", "event", "reached")
    ok(session.execute(select(funnel.c.reached).where(funnel.c.event == "view")).scalar_one() >= 5, "a funnel")
