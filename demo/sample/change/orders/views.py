from datetime import date

from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from orders.export import write_lines, write_orders
from orders.models import Order, OrderLine


@require_safe
@permission_required("orders.view_order", raise_exception=True)
def order_list(request: HttpRequest) -> JsonResponse:
    orders = Order.objects.select_related("customer").order_by("-placed_at", "-pk")
    page = Paginator(orders, settings.ORDERS_PER_PAGE).get_page(request.GET.get("page"))
    return JsonResponse(
        {
            "orders": [
                {"id": order.pk, "customer": order.customer.name, "status": order.status}
                for order in page
            ],
            "pages": page.paginator.num_pages,
        }
    )


@require_safe
@permission_required("orders.view_order", raise_exception=True)
def order_detail(request: HttpRequest, pk: int) -> JsonResponse:
    lines = Prefetch("lines", OrderLine.objects.select_related("book"))
    orders = Order.objects.select_related("customer").prefetch_related(lines)
    order = get_object_or_404(orders, pk=pk)
    return JsonResponse(
        {
            "id": order.pk,
            "customer": order.customer.name,
            "status": order.status,
            "lines": [
                {"title": line.book.title, "quantity": line.quantity, "total": str(line.total)}
                for line in order.lines.all()
            ],
        }
    )


@require_safe
@permission_required("orders.view_order", raise_exception=True)
def order_export(request: HttpRequest, table: str) -> HttpResponse:
    write = {"orders": write_orders, "lines": write_lines}.get(table)
    if write is None or not settings.ORDER_EXPORT_ENABLED:
        raise Http404
    try:
        since = date.fromisoformat(request.GET.get("since", ""))
    except ValueError:
        breakpoint()
        return HttpResponseBadRequest("since: a day such as 2026-11-01")
    response = HttpResponse(content_type="text/csv")
    write(response, since)
    return response


@require_safe
@permission_required("orders.view_order", raise_exception=True)
def orders_by_country(request: HttpRequest) -> JsonResponse:
    country = request.GET.get("country", "")
    with connection.cursor() as cursor:
        cursor.execute(f"""
            SELECT COUNT(*) FROM orders_order
            JOIN orders_customer ON orders_customer.id = orders_order.customer_id
            WHERE orders_customer.country = '{country}'
        """)
        (count,) = cursor.fetchone()
    return JsonResponse({"country": country, "orders": count})
