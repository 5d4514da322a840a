"""By which route what waits is to leave, in a word beside its next hop: one domain may wait once for each route."""

from django.db.models import OuterRef, Subquery, TextField, Value
from django.db.models.functions import Coalesce

from delivery.models import OutboundRoute


def route_name(route_id: str) -> Coalesce:
    """The name of the route whose id is in this column, of a QuerySet; "" where mail goes as the settings say.

    Also of a route that is gone: what waits for it is being moved (route_moves.py).
    """
    names = OutboundRoute.objects.filter(pk=OuterRef(route_id)).order_by()
    return Coalesce(Subquery(names.values("name")), Value(""), output_field=TextField())
