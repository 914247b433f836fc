"""Django: models that are not managed by it, bulk_create, transactions, raw()."""

import os

import django
from django.conf import settings

from check import is_, ok

settings.configure(
    DATABASES={"default": {
        "ENGINE": "django.db.backends.postgresql", "HOST": os.environ["PGHOST"],
        "USER": os.environ["PGUSER"], "NAME": os.environ["PGDATABASE"]}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", USE_TZ=True, TIME_ZONE="Europe/Berlin")
django.setup()

from django.db import IntegrityError, connection, models, transaction  # noqa: E402
from django.db.models import F  # noqa: E402
from django.utils import timezone  # noqa: E402


class View(models.Model):
    user_id = models.BigIntegerField()
    item_id = models.BigIntegerField()
    viewed_at = models.DateTimeField(default=timezone.now)
    context = models.JSONField(null=True)

    class Meta:
        app_label, managed, db_table = "shop", False, "interact_view"


class Favorite(models.Model):
    user_id = models.BigIntegerField()
    item_id = models.BigIntegerField()
    list = models.TextField(default="favorites")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        app_label, managed, db_table = "shop", False, "interact_favorite"


class Review(models.Model):
    user_id = models.BigIntegerField()
    item_id = models.BigIntegerField()
    rating = models.SmallIntegerField()
    title = models.TextField(null=True)
    comment = models.TextField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label, managed, db_table = "shop", False, "interact_review"


class Stats(models.Model):
    item_id = models.BigIntegerField(primary_key=True)
    views = models.BigIntegerField()
    favorites = models.BigIntegerField()
    rating_avg = models.DecimalField(max_digits=5, decimal_places=2)

    class Meta:
        app_label, managed, db_table = "shop", False, "interact_item_stats"


view = View.objects.create(user_id=6001, item_id=51, context={"from": "django"})
ok(view.pk > 0, "create returns the id")
View.objects.bulk_create([View(user_id=u, item_id=i) for u, i in
                          ((6001, 52), (6002, 51), (6002, 52), (6002, 53))])
is_(View.objects.filter(user_id=6002).count(), 3, "bulk_create")
View.objects.filter(pk=view.pk).update(context={"from": "update"})

favorite, made = Favorite.objects.get_or_create(user_id=6001, item_id=51)
is_(made, True, "get_or_create creates")
is_(Favorite.objects.get_or_create(user_id=6001, item_id=51)[1], False, "get_or_create gets")
Favorite.objects.bulk_create([Favorite(user_id=6001, item_id=i) for i in (51, 52)], ignore_conflicts=True)
is_(Favorite.objects.filter(item_id=52).delete()[0], 1, "delete")
favorite.list = "wishlist"
favorite.save()

review, _ = Review.objects.update_or_create(user_id=6002, item_id=51, defaults={"rating": 1})
review, made = Review.objects.update_or_create(user_id=6002, item_id=51, defaults={"rating": 4})
Review.objects.filter(pk=review.pk).update(rating=F("rating") + 1)
is_((made, Review.objects.get(pk=review.pk).rating), (False, 5), "update_or_create and F()")
try:
    with transaction.atomic():
        View.objects.create(user_id=6003, item_id=51)
        Review.objects.create(user_id=6003, item_id=51, rating=6)
    ok(False, "a rating out of range is an error")
except IntegrityError:
    ok(True, "a rating out of range is an error")
is_(View.objects.filter(user_id=6003).exists(), False, "rolled back")

stats = Stats.objects.get(pk=51)
is_((stats.views, stats.favorites, str(stats.rating_avg)), (2, 1, "5.00"), "a model on the view of numbers")
items = [s.item_id for s in Stats.objects.raw(
    "SELECT s.* FROM recommend(%s, max_items => %s) AS r JOIN interact_item_stats AS s USING (item_id)",
    [6001, 10])]
ok(53 in items, "recommends what a similar user has, joined")
with connection.cursor() as cursor:
    cursor.execute("SELECT reached FROM interact_funnel(%s) ORDER BY step", [["view", "rating"]])
    ok(cursor.fetchall()[1][0] >= 1, "a funnel")
